// The board mps2-an385 as QEMU emulates it: registers, and the two calls to QEMU itself.
#ifndef MPS2_H
#define MPS2_H

#include <stdint.h>

typedef struct Uart {  // CMSDK APB UART
    volatile uint32_t data;
    volatile uint32_t state;
    volatile uint32_t control;
    volatile uint32_t interrupt;  // reading: pending; writing ones: clear
    volatile uint32_t divider;
} Uart;

#define UART_TX_FULL 0x01U
#define UART_RX_FULL 0x02U
#define UART_TX_ON 0x01U
#define UART_RX_ON 0x02U
#define UART_RX_INTERRUPT_ON 0x08U
#define UART_RX_INTERRUPT 0x02U

#define UART0 ((Uart*)0x40004000U)  // the line
#define UART1 ((Uart*)0x40005000U)  // the console

typedef struct SysTick {
    volatile uint32_t control;
    volatile uint32_t reload;
    volatile uint32_t value;
} SysTick;
#define SYSTICK ((SysTick*)0xE000E010U)
#define SYSTICK_ON 0x07U  // counter, interrupt, clock of the processor
#define INTERRUPT_ENABLE (*(volatile uint32_t*)0xE000E100U)
#define UART0_RX_BIT 0x01U  // interrupt 0

#define RESET_CONTROL (*(volatile uint32_t*)0xE000ED0CU)
#define RESET_NOW 0x05FA0004U  // the key of the register, and SYSRESETREQ

#define CLOCK_HZ 25000000U
#define LINE_BAUD 115200U

void SysTick_Handler(void);
void UART0_RX_Handler(void);

// Ends QEMU; `status` is its exit status.
void mps2_exit(uint32_t status) __attribute__((noreturn));
// The text of -semihosting-config arg=..., a blank between two; "" without.
const char* mps2_arguments(void);
// Seconds since 1970.
uint32_t mps2_time_s(void);

#endif

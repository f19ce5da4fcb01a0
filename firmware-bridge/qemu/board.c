// ../examples/board.h for the emulated board: UART0 is the line, UART1 the console, SysTick the clock. The sensor is a
// counter whose pace comes from QEMU's command line, so the examples need no test code:
//     -semihosting-config enable=on,target=native,arg=board,arg=every_ms=20,arg=count=100,arg=seed=7
#include "board.h"

#include "mps2.h"

static fwb_cortex_m* port;
static uint8_t is_receiver_on;
static uint32_t every_ms, count;  // of the readings

// A reset of the processor does not reset the sensor.
__attribute__((section(".noinit"))) static uint32_t number, mark;
static uint32_t next_ms;
#define KEPT_MARK 0x53454E53U

void SysTick_Handler(void) { fwb_cortex_m_tick(port); }
void UART0_RX_Handler(void) { fwb_cortex_m_uart(port); }

void board_uart_clear_interrupt(void) { UART0->interrupt = UART_RX_INTERRUPT; }

int board_uart_get(void) {
    while (UART0->state & UART_RX_FULL) {
        const uint8_t byte = (uint8_t)UART0->data;
        if (is_receiver_on) return byte;  // QEMU waits with bytes for a receiver that is off; a line loses them
    }
    return -1;
}

static void put(Uart* uart, uint8_t byte) {
    while (uart->state & UART_TX_FULL) {
    }
    uart->data = byte;
}

void board_uart_put(uint8_t byte) { put(UART0, byte); }

// The number behind `name` in the arguments.
static uint32_t setting(const char* name, uint32_t otherwise) {
    const char* text;
    for (text = mps2_arguments(); *text; ++text) {
        const char* at = text;
        const char* wanted = name;
        uint32_t value = 0;
        while (*wanted && *at == *wanted) ++at, ++wanted;
        if (*wanted) continue;
        while (*at >= '0' && *at <= '9') value = value * 10 + (uint32_t)(*at++ - '0');
        return value;
    }
    return otherwise;
}

void board_start(fwb_cortex_m* the_port) {
    port = the_port;
    is_receiver_on = 1;
    every_ms = setting("every_ms=", 1000);
    count = setting("count=", 0xFFFFFFFFU);
    if (mark != KEPT_MARK) number = setting("first=", 0);
    mark = KEPT_MARK;
    next_ms = port->now_ms;
    UART0->divider = CLOCK_HZ / LINE_BAUD;
    UART0->control = UART_TX_ON | UART_RX_ON | UART_RX_INTERRUPT_ON;
    UART1->divider = CLOCK_HZ / LINE_BAUD;
    UART1->control = UART_TX_ON;
    SYSTICK->reload = CLOCK_HZ / 1000 - 1;
    SYSTICK->value = 0;
    SYSTICK->control = SYSTICK_ON;
    INTERRUPT_ENABLE = UART0_RX_BIT;
}

uint16_t board_seed(void) { return (uint16_t)setting("seed=", mps2_time_s()); }

void board_receiver(uint8_t is_on) { is_receiver_on = is_on; }

static char* append(char* to, const char* text) {
    while (*text) *to++ = *text++;
    return to;
}

static char* append_number(char* to, uint32_t value) {
    char digits[10];
    uint8_t at = 0;
    do {
        digits[at++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (at) *to++ = digits[--at];
    return to;
}

// "n=17 t=21.9": the temperature follows from the number, so a test sees a changed byte.
uint8_t board_reading(char text[BOARD_READING_BYTES]) {
    const uint32_t tenths = 200 + number * 7 % 50;
    char* to = text;
    if (number >= count || (int32_t)(port->now_ms - next_ms) < 0) return 0;
    to = append_number(append(to, "n="), number++);
    to = append_number(append(to, " t="), tenths / 10);
    to = append_number(append(to, "."), tenths % 10);
    next_ms += every_ms;
    return (uint8_t)(to - text);
}

void board_output(uint8_t is_on) { board_log(is_on ? "output on" : "output off"); }

void board_log(const char* text) {
    for (; *text; ++text) put(UART1, (uint8_t)*text);
    put(UART1, '\n');
}

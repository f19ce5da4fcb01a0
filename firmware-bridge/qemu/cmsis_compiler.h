// What ports/cortex-m uses of CMSIS, for GCC. Firmware with CMSIS takes the original.
#ifndef QEMU_CMSIS_COMPILER_H
#define QEMU_CMSIS_COMPILER_H

static inline void __WFI(void) { __asm volatile("wfi" ::: "memory"); }
static inline void __disable_irq(void) { __asm volatile("cpsid i" ::: "memory"); }
static inline void __enable_irq(void) { __asm volatile("cpsie i" ::: "memory"); }

#endif

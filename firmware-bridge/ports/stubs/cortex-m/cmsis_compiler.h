// What the port uses of CMSIS, so that it compiles without it.
#ifndef STUB_CMSIS_COMPILER_H
#define STUB_CMSIS_COMPILER_H

void __WFI(void);
void __disable_irq(void);
void __enable_irq(void);

#endif

/* As heapsoak_config.h, with a watch on the sections in which interrupts are masked. */
#include <stdint.h>

#define HEAPSOAK_CYCLES() (*(volatile uint32_t *)0x40028018u)

#ifdef MEASURE_MASKED
uint32_t measured_mask(void);
void measured_unmask(uint32_t saved);

#define HEAPSOAK_MASK() measured_mask()
#define HEAPSOAK_UNMASK(saved) measured_unmask(saved)
#endif

/* The heap. */
#ifndef OS_MEMORY_H
#define OS_MEMORY_H

/* Give free memory back to the system: after something large has been built from something larger (a plan from its file). */
void memory_give_back(void);

#endif

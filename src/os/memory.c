/* See memory.h; malloc_trim(3) is glibc's. */
#include "os/memory.h"

#include <malloc.h>

void
memory_give_back(void)
{
	malloc_trim(0);
}

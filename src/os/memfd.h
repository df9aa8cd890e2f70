/* Anonymous memory files and their seals; what the rings, slices and status pages stand on. Linux 5.1 and later. */
#ifndef OS_MEMFD_H
#define OS_MEMFD_H

#include <stddef.h>
#include <stdint.h>

/* A memfd of size zeroed bytes, close-on-exec, not executable, seals allowed. >= 0 or a negative error. */
int memfd_new(const char *name, size_t size);
/* A sealed memfd that holds these bytes: nobody, not even its maker, can change it any more. >= 0 or a negative error. */
int memfd_sealed(const char *name, const void *p, size_t len);
/* No more size changes and, besides mappings that exist, no more writing; and no more seals. 0 or a negative error. */
int memfd_seal_future_writes(int fd);
/* No more size changes and no more seals; whoever has it goes on writing. 0 or a negative error. */
int memfd_seal_size(int fd);
/* ERR_DENIED unless fd is a memfd sealed like that (or fully). */
int memfd_check_sealed(int fd);
/* Size in bytes, 0 on any failure. */
size_t memfd_size(int fd);
/* Map whole files; NULL on failure. */
void *memfd_map_rw(int fd, size_t len);
const void *memfd_map_ro(int fd, size_t len);
void memfd_unmap(const void *p, size_t len);
/* A second descriptor of the same file that can only read. >= 0 or a negative error. */
int memfd_reopen_ro(int fd);
void memfd_close(int fd);
/* A random number from the kernel, never 0. */
uint64_t os_random(void);

#endif

/* See memfd.h; memfd_create(2), fcntl(2) F_ADD_SEALS. */
#include "os/memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008u		/* Linux 6.3; absent from Debian 12's headers */
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

static int
create(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL)	/* before 6.3 */
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd < 0 ? err_from_errno(errno) : fd;
}

int
memfd_new(const char *name, size_t size)
{
	int fd = create(name);
	if (fd >= 0 && ftruncate(fd, (off_t)size) != 0) {
		int err = err_from_errno(errno);
		close(fd);
		return err;
	}
	return fd;
}

int
memfd_sealed(const char *name, const void *p, size_t len)
{
	int fd = create(name), err = 0;
	size_t done = 0;

	if (fd < 0)
		return fd;
	while (err == 0 && done < len) {
		ssize_t n = write(fd, (const char *)p + done, len - done);
		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			err = err_from_errno(errno);
	}
	if (err == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
		err = err_from_errno(errno);
	if (err != 0)
		close(fd);
	return err != 0 ? err : fd;
}

int
memfd_seal_future_writes(int fd)
{
	return fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0 ? 0 : err_from_errno(errno);
}

int
memfd_seal_size(int fd)
{
	return fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0 ? 0 : err_from_errno(errno);
}

int
memfd_check_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) == 0)
		return ERR_DENIED;
	int must = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	return (seals & must) == must ? 0 : ERR_DENIED;
}

size_t
memfd_size(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && st.st_size > 0 ? (size_t)st.st_size : 0;
}

void *
memfd_map_rw(int fd, size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return p == MAP_FAILED ? NULL : p;
}

const void *
memfd_map_ro(int fd, size_t len)
{
	void *p = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
	return p == MAP_FAILED ? NULL : p;
}

void
memfd_unmap(const void *p, size_t len)
{
	if (p != NULL)
		munmap((void *)(uintptr_t)p, len);
}

int
memfd_reopen_ro(int fd)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int ro = open(path, O_RDONLY | O_CLOEXEC);
	return ro < 0 ? err_from_errno(errno) : ro;
}

void
memfd_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

uint64_t
os_random(void)
{
	uint64_t v = 0;
	/* Ends: getrandom without flags gives up to 256 bytes whole once the pool is ready. */
	while (v == 0)
		if (getrandom(&v, sizeof v, 0) != sizeof v && errno != EINTR)
			fatal("no_random_numbers", "errno=%d", errno);
	return v;
}

/*
 * Landlock, see cage.h. The kernel's numbers stand here because Debian 12's headers know only the first two versions of the interface; what
 * a kernel can do is asked at run time (Documentation/userspace-api/landlock.rst).
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "os/cage.h"

/* The same numbers on every architecture. */
#define NR_CREATE_RULESET	444
#define NR_ADD_RULE		445
#define NR_RESTRICT_SELF	446
#define CREATE_VERSION		1u
#define RULE_PATH_BENEATH	1
#define SCOPE_ABSTRACT_UNIX	1u
#define SCOPE_SIGNAL		2u

enum fs {
	FS_EXECUTE = 1 << 0, FS_WRITE_FILE = 1 << 1, FS_READ_FILE = 1 << 2, FS_READ_DIR = 1 << 3, FS_REMOVE_DIR = 1 << 4, FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_CHAR = 1 << 6, FS_MAKE_DIR = 1 << 7, FS_MAKE_REG = 1 << 8, FS_MAKE_SOCK = 1 << 9, FS_MAKE_FIFO = 1 << 10, FS_MAKE_BLOCK = 1 << 11,
	FS_MAKE_SYM = 1 << 12, FS_REFER = 1 << 13, FS_TRUNCATE = 1 << 14, FS_IOCTL_DEV = 1 << 15,
};
#define FS_FILE	((uint64_t)(FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV))	/* what a rule on a file may hold */

struct ruleset { uint64_t fs, net, scoped; };
struct beneath { uint64_t allowed; int32_t fd; } __attribute__((packed));

/* All file rights that a version of the interface knows. */
static uint64_t
rights(int abi)
{
	uint64_t all = (1u << 13) - 1;

	if (abi >= 2)
		all |= FS_REFER;
	if (abi >= 3)
		all |= FS_TRUNCATE;
	if (abi >= 5)
		all |= FS_IOCTL_DEV;
	return all;
}

/* How long the struct is that a version takes; a kernel accepts a longer one only if the rest is zero. */
static size_t
ruleset_size(int abi)
{
	return abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
}

static uint64_t
wanted(uint32_t access)
{
	uint64_t fs = FS_READ_FILE | FS_READ_DIR;

	if (access & CAGE_WRITE)
		fs |= FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG | FS_REFER | FS_TRUNCATE;
	if (access & CAGE_DEVICE)
		fs |= FS_WRITE_FILE | FS_IOCTL_DEV;
	return fs;
}

static int
add(int ruleset, const struct cage_path *p, uint64_t known)
{
	struct stat st;
	int fd = open(p->path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : ERR_IO;
	struct beneath b = { .allowed = wanted(p->access) & known, .fd = fd };
	int err = fstat(fd, &st) != 0 ? ERR_IO : 0;
	if (err == 0 && !S_ISDIR(st.st_mode))
		b.allowed &= FS_FILE;
	if (err == 0 && syscall(NR_ADD_RULE, ruleset, RULE_PATH_BENEATH, &b, 0) != 0)
		err = err_from_errno(errno);
	close(fd);
	return err;
}

int
cage_files(const struct cage_path *paths, size_t n, struct cage_state *st)
{
	long abi = syscall(NR_CREATE_RULESET, NULL, 0, CREATE_VERSION);
	struct ruleset rs = { 0 };
	int err = 0;

	if (abi < 1)
		return ERR_UNSUPPORTED;
	rs.fs = rights((int)abi);
	if (abi >= 6)
		rs.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
	int fd = (int)syscall(NR_CREATE_RULESET, &rs, ruleset_size((int)abi), 0);
	if (fd < 0)
		return err_from_errno(errno);
	for (size_t i = 0; i < n && err == 0; i++)
		err = add(fd, &paths[i], rs.fs);
	if (err == 0 && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || syscall(NR_RESTRICT_SELF, fd, 0) != 0))
		err = err_from_errno(errno);
	close(fd);
	st->files = err == 0;
	st->landlock_abi = (int)abi;
	return err;
}

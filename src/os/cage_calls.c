/* The list of system calls, see cage.h. libseccomp makes the filter; here stands what is on it, and for whom. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>
#include <linux/serial.h>

#include "base/err.h"
#include "os/cage.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

/* What every role needs: memory, threads, time, its own files, waiting, the channels it was given. By name, since not every architecture has all. */
static const char *const calls[] = {
	"brk", "mmap", "mmap2", "munmap", "mremap", "mprotect", "madvise", "msync", "memfd_create", "membarrier", "mlock", "munlock",
	"futex", "futex_time64", "set_robust_list", "get_robust_list", "rseq", "sched_yield", "sched_getaffinity", "sched_getparam",
	"sched_getscheduler", "sched_get_priority_max", "sched_get_priority_min", "gettid", "getpid", "getppid", "getuid", "geteuid", "getgid", "getegid",
	"getresuid", "getresgid", "getgroups", "set_tid_address", "exit", "exit_group", "restart_syscall", "arch_prctl", "getrandom",
	"uname", "sysinfo", "getrusage", "getrlimit", "getcpu", "times",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigtimedwait", "sigaltstack", "sigreturn",
	"clock_gettime", "clock_gettime64", "clock_getres", "clock_nanosleep", "clock_nanosleep_time64", "nanosleep", "gettimeofday", "time",
	"timer_create", "timer_settime", "timer_delete", "timerfd_create", "timerfd_settime", "timerfd_gettime", "alarm", "setitimer",
	"read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "preadv2", "pwritev2", "lseek", "_llseek", "close", "close_range",
	"dup", "dup2", "dup3", "pipe", "pipe2", "eventfd", "eventfd2", "splice", "copy_file_range", "sendfile",
	"stat", "fstat", "lstat", "newfstatat", "fstatat64", "stat64", "fstat64", "lstat64", "statx", "access", "faccessat",
	"faccessat2", "readlink", "readlinkat", "getcwd", "getdents", "getdents64", "statfs", "fstatfs", "statfs64", "fstatfs64", "umask",
	"mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat", "renameat2", "link", "linkat", "ftruncate", "ftruncate64",
	"fallocate", "fsync", "fdatasync", "sync_file_range", "fadvise64", "readahead",
	"poll", "ppoll", "ppoll_time64", "select", "pselect6", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2",
	"sendmsg", "recvmsg", "sendto", "recvfrom", "sendmmsg", "recvmmsg", "shutdown", "getsockopt", "setsockopt", "getsockname", "getpeername",
	"seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self",
};
static const char *const server_calls[] = { "bind", "listen", "accept", "accept4" };

/* Of ioctl: non-blocking, bytes that wait, and what a serial line takes. TIOCSTI and its like stay out. */
static const unsigned long ioctls[] = {
	FIONBIO, FIONREAD, FIOCLEX, FIONCLEX, TCGETS, TCSETS, TCSETSW, TCSETSF, TCFLSH, TCSBRK, TCSBRKP, TIOCEXCL, TIOCNXCL, TIOCMGET, TIOCMSET,
	TIOCMBIS, TIOCMBIC, TIOCOUTQ, TIOCGICOUNT, TIOCGSERIAL, TIOCGRS485, TIOCSRS485, TIOCGWINSZ,
	/* TCGETS2, TCSETS2, TCSETSW2, TCSETSF2 (asm-generic/ioctls.h), by which newer C libraries do the same; their struct is not in termios.h. */
	0x802c542a, 0x402c542b, 0x402c542c, 0x402c542d,
};

/* Of fcntl: no leases and no notices, by which a reader can hold up a writer. */
static const int fcntls[] = {
	F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW, F_ADD_SEALS,
	F_GET_SEALS,
};

/*
 * Of prctl: names of threads and of memory, and what libraries ask. Not PR_SET_PDEATHSIG, by which a process that was taken over would outlive its
 * supervisor, nor PR_SET_DUMPABLE, PR_SET_PTRACER and the rest. PR_SET_VMA is newer than Debian 12's headers.
 */
#define SET_VMA	0x53564d41
static const int prctls[] = { PR_SET_NAME, PR_GET_NAME, SET_VMA, PR_GET_DUMPABLE, PR_GET_NO_NEW_PRIVS, PR_SET_NO_NEW_PRIVS,
	PR_CAPBSET_READ };

#define NEW_NAMESPACES	((unsigned long)(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET))

/* Allow a call whose argument `arg` is v, looking at the bits of mask (0: all). */
static int
allow_if(scmp_filter_ctx f, int call, unsigned arg, uint64_t mask, uint64_t v)
{
	struct scmp_arg_cmp c = { .arg = arg, .op = mask != 0 ? SCMP_CMP_MASKED_EQ : SCMP_CMP_EQ, .datum_a = mask != 0 ? mask : v, .datum_b = v };

	return seccomp_rule_add_array(f, SCMP_ACT_ALLOW, call, 1, &c);
}

static int
allow(scmp_filter_ctx f, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int nr = seccomp_syscall_resolve_name(names[i]);
		int err = nr == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(f, SCMP_ACT_ALLOW, nr, 0);
		/* Too new for this libseccomp, or of another architecture: it stays refused. */
		if (err != 0 && err != -EDOM)
			return err;
	}
	return 0;
}

static int
allow_threads(scmp_filter_ctx f)
{
	int err = allow_if(f, SCMP_SYS(clone), 0, NEW_NAMESPACES | CLONE_THREAD, CLONE_THREAD);

	/* Its flags lie in memory, where a filter cannot look; the C library falls back to clone. */
	return err != 0 ? err : seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

/*
 * A file that may only be read is not to be emptied by opening it: O_TRUNC takes a descriptor that may write, which Landlock judges in every version.
 * (Before its version 3 it judges neither O_RDONLY | O_TRUNC nor truncate(), which therefore is not on the list; ftruncate() takes a descriptor too.)
 */
static int
allow_open(scmp_filter_ctx f, int call, unsigned flags_arg)
{
	int err = allow_if(f, call, flags_arg, O_TRUNC, 0);

	if (err == 0)
		err = allow_if(f, call, flags_arg, O_TRUNC | O_ACCMODE, O_TRUNC | O_WRONLY);
	return err != 0 ? err : allow_if(f, call, flags_arg, O_TRUNC | O_ACCMODE, O_TRUNC | O_RDWR);
}

static int
allow_fcntl(scmp_filter_ctx f)
{
	int err = 0;

	for (size_t i = 0; i < sizeof fcntls / sizeof fcntls[0] && err == 0; i++)
		err = allow_if(f, SCMP_SYS(fcntl), 1, 0, (uint64_t)fcntls[i]);
	return err;
}

static int
allow_prctl(scmp_filter_ctx f)
{
	int err = 0;

	for (size_t i = 0; i < sizeof prctls / sizeof prctls[0] && err == 0; i++)
		err = allow_if(f, SCMP_SYS(prctl), 0, 0, (uint64_t)prctls[i]);
	return err;
}

static int
allow_sockets(scmp_filter_ctx f)
{
	static const unsigned families[] = { AF_INET, AF_INET6 };
	/* Not SCTP, MPTCP, L2TP or ping, which are streams and datagrams of IP as well and code of the kernel that nobody here needs. */
	static const struct { unsigned kind, protocol; } kinds[] = {
		{ SOCK_STREAM, 0 }, { SOCK_STREAM, IPPROTO_TCP }, { SOCK_DGRAM, 0 }, { SOCK_DGRAM, IPPROTO_UDP },
	};
	int err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(connect), 0);

	/* Two ends of its own, by which libcurl's thread for names says that it has one. They lead nowhere else. */
	if (err == 0)
		err = allow_if(f, SCMP_SYS(socketpair), 0, 0, AF_UNIX);
	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; k < sizeof kinds / sizeof kinds[0] && err == 0; k++)
			err = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3, (struct scmp_arg_cmp[]){
			    { .arg = 0, .op = SCMP_CMP_EQ, .datum_a = families[i] },
			    { .arg = 1, .op = SCMP_CMP_MASKED_EQ, .datum_a = 0xf, .datum_b = kinds[k].kind },
			    { .arg = 2, .op = SCMP_CMP_EQ, .datum_a = kinds[k].protocol } });
	return err;
}

static int
fill(scmp_filter_ctx f, enum cage_net net, bool locks)
{
	int err = allow(f, calls, sizeof calls / sizeof calls[0]);

	for (size_t i = 0; i < sizeof ioctls / sizeof ioctls[0] && err == 0; i++)
		err = allow_if(f, SCMP_SYS(ioctl), 1, 0, ioctls[i]);
	if (err == 0)
		err = allow_threads(f);
	if (err == 0)
		err = allow_fcntl(f);
	if (err == 0)
		err = allow_prctl(f);
	if (err == 0)
		err = allow_open(f, SCMP_SYS(open), 1);
	if (err == 0)
		err = allow_open(f, SCMP_SYS(openat), 2);
	/* Limits of its own: those of another process of this user would end that one. */
	if (err == 0)
		err = allow_if(f, SCMP_SYS(prlimit64), 0, 0, 0);
	/* abort() signals a thread; only one of ours. */
	if (err == 0)
		err = allow_if(f, SCMP_SYS(tgkill), 0, 0, (uint64_t)getpid());
	if (err == 0 && locks)
		err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(flock), 0);
	if (err == 0 && net != CAGE_NET_NONE)
		err = allow_sockets(f);
	if (err == 0 && net == CAGE_NET_SERVER)
		err = allow(f, server_calls, sizeof server_calls / sizeof server_calls[0]);
	return err;
}

void
cage_no_rings(void)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);

	if (f != NULL && seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(io_uring_setup), 0) == 0)
		(void)seccomp_load(f);		/* without it there is no list of calls later either */
	seccomp_release(f);
}

int
cage_calls(enum cage_net net, bool locks, struct cage_state *st)
{
#ifdef SANITIZED
	(void)fill;
	(void)net;
	(void)locks;
	(void)st;
	return ERR_UNSUPPORTED;
#else
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err = f == NULL ? -ENOMEM : fill(f, net, locks);

	if (err == 0)
		err = seccomp_load(f);
	seccomp_release(f);
	st->calls = err == 0;
	return err == 0 ? 0 : ERR_UNSUPPORTED;
#endif
}

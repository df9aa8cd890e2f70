/*
 * The self-test of a cage: what it forbids is tried, so that what the status page shows has been measured. Every attempt is harmless should it
 * succeed, and undone. See cage.h, cage_try().
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/cage.h"

/* True: it worked, which it must not. */
typedef bool attempt(const char *forbidden);

static bool
opened(int fd)
{
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static bool
read_shadow(const char *unused)
{
	(void)unused;
	return opened(open("/etc/shadow", O_RDONLY | O_CLOEXEC));
}

static bool
write_root(const char *unused)
{
	char name[] = "/penstock-cage-test";
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	(void)unused;

	if (fd >= 0)
		unlink(name);
	return opened(fd);
}

static bool
write_tmp(const char *unused)
{
	int fd = open("/tmp", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	(void)unused;
	return opened(fd);
}

static bool
write_forbidden(const char *path)
{
	return path != NULL && opened(open(path, O_WRONLY | O_CLOEXEC));
}

static bool
parent_memory(const char *unused)
{
	char name[32];
	(void)unused;

	snprintf(name, sizeof name, "/proc/%d/mem", (int)getppid());
	return opened(open(name, O_RDONLY | O_CLOEXEC));
}

/* Only asks; who may ask of another may set as well, and end it. */
static bool
limit_parent(const char *unused)
{
	struct rlimit now;
	(void)unused;
	return prlimit(getppid(), RLIMIT_CPU, NULL, &now) == 0;
}

/* As new_program(): before its version 3 Landlock does not hold this back, so the list of calls must. */
static bool
truncate_by_name(const char *unused)
{
	(void)unused;
	return truncate("/nonexistent/penstock", 0) == 0 || errno == ENOENT;
}

/* That it dies with the supervisor is what it was born with: this sets the same again. */
static bool
outlive_supervisor(const char *unused)
{
	(void)unused;
	return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0;
}

#define SOCKET(what, family, kind) \
	static bool \
	socket_##what(const char *unused) \
	{ \
		(void)unused; \
		return opened(socket(family, (kind) | SOCK_CLOEXEC, 0)); \
	}
SOCKET(packet, AF_PACKET, SOCK_RAW)
SOCKET(unix, AF_UNIX, SOCK_STREAM)
SOCKET(netlink, AF_NETLINK, SOCK_RAW)
SOCKET(raw, AF_INET, SOCK_RAW)
SOCKET(vsock, AF_VSOCK, SOCK_STREAM)
SOCKET(alg, AF_ALG, SOCK_SEQPACKET)
SOCKET(tcp, AF_INET, SOCK_STREAM)

static bool
socket_sctp(const char *unused)
{
	(void)unused;
	return opened(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_SCTP));
}

static bool
listen_tcp(const char *unused)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool worked = fd >= 0 && listen(fd, 1) == 0;
	(void)unused;

	if (fd >= 0)
		close(fd);
	return worked;
}

static bool
new_network(const char *unused)
{
	(void)unused;
	return unshare(CLONE_NEWNET) == 0;
}

static bool
new_user(const char *unused)
{
	(void)unused;
	return unshare(CLONE_NEWUSER) == 0;
}

static bool
other_network(const char *unused)
{
	int fd = open("/proc/1/ns/net", O_RDONLY | O_CLOEXEC);
	bool worked = fd >= 0 && setns(fd, CLONE_NEWNET) == 0;
	(void)unused;

	if (fd >= 0)
		close(fd);
	return worked;
}

static bool
trace_parent(const char *unused)
{
	pid_t parent = getppid();
	bool worked = ptrace(PTRACE_SEIZE, parent, NULL, NULL) == 0;
	(void)unused;

	if (worked)
		ptrace(PTRACE_DETACH, parent, NULL, NULL);
	return worked;
}

static bool
read_parent(const char *unused)
{
	char c;
	struct iovec mine = { &c, 1 }, theirs = { &c, 1 };
	(void)unused;
	return process_vm_readv(getppid(), &mine, 1, &theirs, 1, 0) == 1;
}

static bool
new_process(const char *unused)
{
	pid_t pid = fork();
	(void)unused;

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return pid > 0;
}

/* ENOENT would mean that the kernel looked for the file: the call itself was let through. */
static bool
new_program(const char *unused)
{
	char *args[] = { NULL };
	(void)unused;
	return execve("/nonexistent/penstock", args, args) == 0 || errno == ENOENT;
}

static bool
mount_something(const char *unused)
{
	(void)unused;
	return mount("none", "/nonexistent", "tmpfs", 0, NULL) == 0 || errno == ENOENT;
}

static bool
io_ring(const char *unused)
{
	(void)unused;
	return syscall(SYS_io_uring_setup, 1, NULL) >= 0 || errno == EFAULT;
}

static const struct {
	const char	*what;
	attempt		*go;
	enum cage_net	 most;	/* tried by roles that have at most this */
} attempts[] = {
	{ "read /etc/shadow", read_shadow, CAGE_NET_SERVER }, { "write to /", write_root, CAGE_NET_SERVER },
	{ "write to /tmp", write_tmp, CAGE_NET_SERVER }, { "write what is another's", write_forbidden, CAGE_NET_SERVER },
	{ "open the supervisor's memory", parent_memory, CAGE_NET_SERVER }, { "read the supervisor's memory", read_parent, CAGE_NET_SERVER },
	{ "trace the supervisor", trace_parent, CAGE_NET_SERVER }, { "raw Ethernet", socket_packet, CAGE_NET_SERVER },
	{ "a Unix socket", socket_unix, CAGE_NET_SERVER }, { "a netlink socket", socket_netlink, CAGE_NET_SERVER },
	{ "raw IP", socket_raw, CAGE_NET_SERVER }, { "a vsock socket", socket_vsock, CAGE_NET_SERVER },
	{ "a crypto socket", socket_alg, CAGE_NET_SERVER }, { "listen", listen_tcp, CAGE_NET_CLIENT }, { "a TCP socket", socket_tcp, CAGE_NET_NONE },
	{ "a user namespace", new_user, CAGE_NET_SERVER }, { "a network namespace", new_network, CAGE_NET_SERVER },
	{ "another's network namespace", other_network, CAGE_NET_SERVER }, { "start a process", new_process, CAGE_NET_SERVER },
	{ "start a program", new_program, CAGE_NET_SERVER }, { "mount", mount_something, CAGE_NET_SERVER }, { "io_uring", io_ring, CAGE_NET_SERVER },
	{ "limit the supervisor", limit_parent, CAGE_NET_SERVER }, { "truncate by name", truncate_by_name, CAGE_NET_SERVER },
	{ "SCTP", socket_sctp, CAGE_NET_SERVER }, { "outlive the supervisor", outlive_supervisor, CAGE_NET_SERVER },
};

unsigned
cage_try(enum cage_net net, const char *forbidden, unsigned *tried, char *text, size_t size)
{
	unsigned worked = 0;
	size_t at = 0;

	*tried = 0;
	text[0] = '\0';
	for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
		if (net > attempts[i].most)
			continue;
		++*tried;
		if (!attempts[i].go(forbidden))
			continue;
		worked++;
		int n = snprintf(text + at, size - at, "%s%s", at > 0 ? ", " : "", attempts[i].what);
		if (n > 0 && (size_t)n < size - at)
			at += (size_t)n;
	}
	return worked;
}

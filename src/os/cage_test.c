/* The cage from inside: each case runs in a process of its own, since a cage has no way out. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/test.h"
#include "os/cage.h"

static char dir[] = "/tmp/penstock-cage-XXXXXX";

static char *
in_dir(const char *name)
{
	static char path[8][128];
	static unsigned at;
	char *p = path[at++ % 8];

	snprintf(p, sizeof path[0], "%s/%s", dir, name);
	return p;
}

static void
put_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, "x", 1) != 1)
		abort();
	close(fd);
}

/* Exit status of body() in a child; -1 when a signal ended it. */
static int
caged(int (*body)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(body());
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int
files(void)
{
	struct cage_path paths[] = { { in_dir("read"), CAGE_READ }, { in_dir("write"), CAGE_WRITE | CAGE_READ },
	    { in_dir("nothing"), CAGE_READ } };
	struct cage_state st = { 0 };

	int err = cage_files(paths, 3, &st);
	if (err == ERR_UNSUPPORTED)
		return 77;
	if (err != 0 || !st.files || st.landlock_abi < 1)
		return 1;
	if (open(in_dir("read/a"), O_RDONLY | O_CLOEXEC) < 0)
		return 2;
	if (open(in_dir("read/a"), O_WRONLY | O_CLOEXEC) >= 0 || errno != EACCES)
		return 3;
	if (open(in_dir("read/new"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0)
		return 4;
	if (unlink(in_dir("read/a")) == 0 || rename(in_dir("read/a"), in_dir("write/a")) == 0)
		return 5;
	if (open(in_dir("write/new"), O_RDWR | O_CREAT | O_CLOEXEC, 0600) < 0 || rename(in_dir("write/new"), in_dir("write/b")) != 0)
		return 6;
	if (open(in_dir("secret"), O_RDONLY | O_CLOEXEC) >= 0 || open(in_dir("read/../secret"), O_RDONLY | O_CLOEXEC) >= 0)
		return 7;
	if (link(in_dir("read/a"), in_dir("write/c")) == 0)
		return 8;
	if (st.landlock_abi >= 3 && truncate(in_dir("read/a"), 0) == 0)
		return 9;
	return 0;
}

static void *
nothing(void *arg)
{
	return arg;
}

static int
calls_still_there(void)
{
	struct cage_state st = { 0 };
	pthread_t t;

	if (cage_privileges(&st) != 0 || !st.privileges)
		return 1;
	int err = cage_calls(CAGE_NET_CLIENT, false, &st);
	if (err == ERR_UNSUPPORTED)
		return 77;
	if (err != 0 || !st.calls)
		return 2;
	if (pthread_create(&t, NULL, nothing, NULL) != 0 || pthread_join(t, NULL) != 0)
		return 3;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (fd < 0 || (connect(fd, (struct sockaddr *)&sin, sizeof sin) != 0 && errno != ECONNREFUSED && errno != EINPROGRESS))
		return 4;
	if (bind(fd, (struct sockaddr *)&sin, sizeof sin) == 0 || errno != EPERM)
		return 5;
	free(malloc(1 << 20));
	/* No Landlock here, as on a kernel whose version of it does not judge this. */
	if (open(in_dir("read/a"), O_RDONLY | O_TRUNC | O_CLOEXEC) >= 0 || errno != EPERM || truncate(in_dir("read/a"), 0) == 0)
		return 6;
	if (open(in_dir("read/a"), O_RDONLY | O_CLOEXEC) < 0 || open(in_dir("read/a"), O_RDWR | O_TRUNC | O_CLOEXEC) < 0 ||
	    open(in_dir("read/a"), O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0600) < 0)
		return 7;
	struct rlimit own;
	if (getrlimit(RLIMIT_NOFILE, &own) != 0 || setrlimit(RLIMIT_NOFILE, &own) != 0)
		return 8;
	if (socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) < 0 || socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDP) < 0 ||
	    socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP) >= 0)
		return 9;
	return 0;
}

static int
server_listens(void)
{
	struct cage_state st = { 0 };
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	if (cage_privileges(&st) != 0)
		return 1;
	if (cage_calls(CAGE_NET_SERVER, false, &st) == ERR_UNSUPPORTED)
		return 77;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return fd >= 0 && bind(fd, (struct sockaddr *)&sin, sizeof sin) == 0 && listen(fd, 1) == 0 ? 0 : 2;
}

static int
everything(enum cage_net net)
{
	struct cage_path paths[] = { { in_dir("read"), CAGE_READ } };
	struct cage_state st = { 0 };
	unsigned tried;
	char text[512];

	cage_network(net == CAGE_NET_NONE ? "" : NULL, &st);
	if (cage_privileges(&st) != 0)
		return 1;
	if (cage_calls(net, false, &st) == ERR_UNSUPPORTED || cage_files(paths, 1, &st) == ERR_UNSUPPORTED)
		return 77;
	unsigned worked = cage_try(net, in_dir("read/a"), &tried, text, sizeof text);
	if (worked > 0)
		fprintf(stderr, "worked: %s\n", text);
	return worked == 0 && tried >= 20 ? 0 : 2;
}

static int try_none(void) { return everything(CAGE_NET_NONE); }
static int try_client(void) { return everything(CAGE_NET_CLIENT); }
static int try_server(void) { return everything(CAGE_NET_SERVER); }

/* Without a cage the self-test must find that something works, or it proves nothing. */
static int
try_nothing(void)
{
	unsigned tried;
	char text[512];
	return cage_try(CAGE_NET_CLIENT, in_dir("read/a"), &tried, text, sizeof text) >= 5 ? 0 : 1;
}

static void
check(int (*body)(void), int line)
{
	int status = caged(body);

	if (status == 77)
		printf("cage_test: line %d: this kernel or build has not all layers; the case shows nothing here\n", line);
	else
		CHECK_INT(status, 0);
}

static void
put_up(void)
{
	if (mkdtemp(dir) == NULL || mkdir(in_dir("read"), 0700) != 0 || mkdir(in_dir("write"), 0700) != 0)
		abort();
	put_file(in_dir("read/a"));
	put_file(in_dir("secret"));
}

static void
take_down(void)
{
	unlink(in_dir("read/a"));
	unlink(in_dir("secret"));
	unlink(in_dir("write/b"));
	rmdir(in_dir("read"));
	rmdir(in_dir("write"));
	rmdir(dir);
}

TEST(a_cage_holds)
{
	put_up();
	check(files, __LINE__);
	check(calls_still_there, __LINE__);
	check(server_listens, __LINE__);
	check(try_none, __LINE__);
	check(try_client, __LINE__);
	check(try_server, __LINE__);
	CHECK_INT(caged(try_nothing), 0);
	take_down();
}

TEST_MAIN

/* Privileges and namespaces, see cage.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "os/cage.h"

#define NETNS_DIR	"/run/netns/"
#define CAPS_MAX	63	/* more than any kernel has */

int
cage_network(const char *name, struct cage_state *st)
{
	char path[sizeof NETNS_DIR + 256];

	if (name == NULL)
		return 0;
	if (*name == '\0') {
		st->own_network = unshare(CLONE_NEWNET) == 0;
		return 0;
	}
	if (strchr(name, '/') != NULL || snprintf(path, sizeof path, NETNS_DIR "%s", name) >= (int)sizeof path)
		return ERR_NOTFOUND;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_from_errno(errno);
	int err = setns(fd, CLONE_NEWNET) == 0 ? 0 : err_from_errno(errno);
	close(fd);
	st->own_network = err == 0;
	return err;
}

/* A service manager may have taken all away already, and the call to do so with it. */
static bool
has_none(struct __user_cap_header_struct *head)
{
	struct __user_cap_data_struct have[2] = { 0 };

	return syscall(SYS_capget, head, have) == 0 && (have[0].effective | have[0].permitted | have[0].inheritable) == 0 &&
	    (have[1].effective | have[1].permitted | have[1].inheritable) == 0;
}

int
cage_privileges(struct cage_state *st)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };
	const struct rlimit no_core = { 0 };

	setrlimit(RLIMIT_CORE, &no_core);
	/* What is not there cannot be dropped: EINVAL past the last, EPERM for one that never had the right to. */
	for (int cap = 0; cap <= CAPS_MAX; cap++)
		(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || (syscall(SYS_capset, &head, none) != 0 && !has_none(&head)))
		return ERR_DENIED;
	st->privileges = true;
	return 0;
}

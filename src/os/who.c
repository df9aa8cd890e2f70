/* See who.h. */
#include "os/who.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"

void
who_host(char *out, size_t size)
{
	char name[256] = "";

	if (gethostname(name, sizeof name - 1) != 0 || name[0] == '\0' || name[0] == '.')
		snprintf(name, sizeof name, "localhost");
	name[strcspn(name, ".")] = '\0';
	snprintf(out, size, "%s", name);
}

void
who_user(char *out, size_t size)
{
	const char *sudo = getuid() == 0 ? getenv("SUDO_USER") : NULL;
	struct passwd pw, *found = NULL;
	char room[4096];

	if (sudo != NULL && *sudo != '\0')
		snprintf(out, size, "%s", sudo);
	else if (getpwuid_r(getuid(), &pw, room, sizeof room, &found) == 0 && found != NULL)
		snprintf(out, size, "%s", found->pw_name);
	else
		snprintf(out, size, "uid %lu", (unsigned long)getuid());
}

/* Of root's capabilities only the one to reach a file remains: systemd keeps the state of a DynamicUser below a folder of root's own. */
static int
keep_search(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &head, data) != 0)
		return err_from_errno(errno);
	uint32_t kept = data[0].permitted & (uint32_t)1 << CAP_DAC_READ_SEARCH;
	data[0] = (struct __user_cap_data_struct){ .effective = kept, .permitted = kept };
	data[1] = (struct __user_cap_data_struct){ 0 };
	return syscall(SYS_capset, &head, data) != 0 ? err_from_errno(errno) : 0;
}

int
who_become_owner(const char *path)
{
	struct stat st;

	if (geteuid() != 0)
		return 0;
	if (stat(path, &st) != 0)
		return err_from_errno(errno);
	if (st.st_uid == 0)
		return 0;
	if (prctl(PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L) != 0 || setgroups(0, NULL) != 0 || setgid(st.st_gid) != 0 || setuid(st.st_uid) != 0)
		return err_from_errno(errno);
	return keep_search();
}

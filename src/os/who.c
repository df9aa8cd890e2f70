/* See who.h. */
#include "os/who.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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
	if (setgroups(0, NULL) != 0 || setgid(st.st_gid) != 0 || setuid(st.st_uid) != 0)
		return err_from_errno(errno);
	return 0;
}

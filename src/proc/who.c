/* See who.h. */
#include "proc/who.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"

static void
add_user(uid_t uid, char *out, size_t size)
{
	struct passwd pw, *found = NULL;
	char room[4096];

	if (getpwuid_r(uid, &pw, room, sizeof room, &found) == 0 && found != NULL &&
	    strlen(pw.pw_name) <= REQUEST_NAME_MAX)
		snprintf(out, size, "%s", pw.pw_name);
	else
		snprintf(out, size, "uid %lu", (unsigned long)uid);
}

static void
add_group(gid_t gid, char *out, size_t size)
{
	struct group gr, *found = NULL;
	char room[16384];
	size_t len = strlen(out);

	if (getgrgid_r(gid, &gr, room, sizeof room, &found) == 0 && found != NULL &&
	    strlen(gr.gr_name) <= REQUEST_NAME_MAX)
		snprintf(out + len, size - len, "\n%s", gr.gr_name);
	else
		snprintf(out + len, size - len, "\ngid %lu", (unsigned long)gid);
}

int
who_is(int fd, char *out, size_t size)
{
	struct ucred cred;
	socklen_t len = sizeof cred;
	gid_t groups[256];

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return err_from_errno(errno);
	add_user(cred.uid, out, size);
	add_group(cred.gid, out, size);
	len = sizeof groups;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) != 0)
		return 0;	/* more groups than these, or none to be had: the first one counts */
	uint32_t n = 1;
	for (size_t i = 0; i < len / sizeof groups[0] && n < WHO_GROUPS_MAX; i++)
		if (groups[i] != cred.gid) {
			add_group(groups[i], out, size);
			n++;
		}
	return 0;
}

void
who_parse(const char *text, struct who *out)
{
	*out = (struct who){ 0 };
	snprintf(out->text, sizeof out->text, "%s", text);
	char *p = out->text;
	out->user = p;
	while ((p = strchr(p, '\n')) != NULL) {
		*p++ = '\0';
		if (out->ngroups < WHO_GROUPS_MAX)
			out->groups[out->ngroups++] = p;
	}
}

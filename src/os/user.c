/* See user.h. */
#include "os/user.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/num.h"

#define DEPTH_MAX	16	/* folders within folders; the program makes fewer */

static int
groups_of(const char *name, struct user *out)
{
	gid_t all[USER_GROUPS_MAX];
	int n = USER_GROUPS_MAX;

	if (getgrouplist(name, out->gid, all, &n) < 0)
		return ERR_LIMIT;
	out->ngroups = n;
	for (int i = 0; i < n; i++)
		out->groups[i] = all[i];
	return 0;
}

int
user_find(const char *spec, const char *role, uint32_t nth, struct user *out)
{
	char name[128], room[4096];
	struct passwd pw, *found = NULL;
	uint64_t first;

	*out = (struct user){ 0 };
	if (num_parse_u64(spec, strlen(spec), &first) == 0) {
		if (first == 0 || first > UINT32_MAX - 256)
			return ERR_RANGE;
		out->uid = out->gid = (uint32_t)first + nth;
		return 0;
	}
	if (snprintf(name, sizeof name, "%s-%s", spec, role) >= (int)sizeof name ||
	    getpwnam_r(name, &pw, room, sizeof room, &found) != 0 || found == NULL)
		return ERR_NOTFOUND;
	if (found->pw_uid == 0 || found->pw_gid == 0)
		return ERR_RANGE;
	out->uid = found->pw_uid;
	out->gid = found->pw_gid;
	return groups_of(name, out);
}

/* A folder is made so that what comes into it has the same group. */
static int
give(int fd, const struct stat *st, uint32_t uid, uint32_t gid, uint32_t group)
{
	mode_t mode = S_ISDIR(st->st_mode) ? group != UINT32_MAX ? 02750 : 0700 : st->st_mode & 0750;

	if (fchown(fd, uid, group != UINT32_MAX ? group : gid) != 0 || fchmod(fd, mode) != 0)
		return err_from_errno(errno);
	return 0;
}

static int
give_below(int dir, uint32_t uid, uint32_t gid, uint32_t group, int depth)
{
	DIR *d = depth < DEPTH_MAX ? fdopendir(dir) : NULL;
	const struct dirent *e;
	struct stat st;
	int err = 0;

	if (d == NULL) {
		close(dir);
		return ERR_LIMIT;
	}
	while (err == 0 && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		int fd = openat(dirfd(d), e->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)	/* a symbolic link, or gone */
			continue;
		if (fstat(fd, &st) != 0)
			err = err_from_errno(errno);
		else if (S_ISDIR(st.st_mode) && (err = give(fd, &st, uid, gid, group)) == 0) {
			err = give_below(fd, uid, gid, group, depth + 1);
			continue;
		} else if (S_ISREG(st.st_mode) && st.st_nlink == 1)
			err = give(fd, &st, uid, gid, group);
		close(fd);
	}
	closedir(d);
	return err;
}

int
user_own(const char *path, uint32_t uid, uint32_t gid, uint32_t group)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) != 0) {
		int err = err_from_errno(errno);
		if (fd >= 0)
			close(fd);
		return err;
	}
	if (st.st_uid == uid && st.st_gid == (group != UINT32_MAX ? group : gid)) {
		close(fd);
		return 0;
	}
	/* What is below first: cut short, the next start begins anew. */
	int err = give_below(dup(fd), uid, gid, group, 0);
	if (err == 0)
		err = give(fd, &st, uid, gid, group);
	close(fd);
	return err;
}

int
user_let_through(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return err_from_errno(errno);
	if ((st.st_mode & 0111) == 0111)
		return 0;
	return chmod(path, (st.st_mode & 07777) | 0111) != 0 ? err_from_errno(errno) : 0;
}

int
user_become(const struct user *u)
{
	gid_t groups[USER_GROUPS_MAX];
	pid_t parent = getppid();

	for (int i = 0; i < u->ngroups; i++)
		groups[i] = u->groups[i];
	if (setgroups((size_t)u->ngroups, groups) != 0 || setresgid(u->gid, u->gid, u->gid) != 0 || setresuid(u->uid, u->uid, u->uid) != 0)
		return ERR_DENIED;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent)
		return ERR_DENIED;
	return setresuid(0, 0, 0) == 0 ? ERR_DENIED : 0;	/* it must be for good */
}

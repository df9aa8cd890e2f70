/* See users.h. */
#include "proc/users.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/log.h"
#include "os/disk.h"
#include "os/user.h"

static const struct user *
first_of(uint32_t roles, const struct user u[ROLES])
{
	for (unsigned r = 0; r < ROLES; r++)
		if ((roles & 1u << r) != 0)
			return &u[r];
	return NULL;
}

/* All of them are there, or the plan cannot be run as it says. */
static int
find(const char *spec, struct user out[ROLES])
{
	for (unsigned r = ROLE_FIELD; r < ROLES; r++) {
		int err = user_find(spec, role_name((enum role)r), r - ROLE_FIELD, &out[r]);
		if (err != 0) {
			log_error("no_user", "users=\"%s\" missing=\"%s-%s\" error=\"%s\" remedy=\"make it (doc/security.md), or mend users in the "
			    "section security\"", spec, spec, role_name((enum role)r), err_text(err));
			return err;
		}
	}
	return 0;
}

static int
give(const struct users_folder *f, const struct user u[ROLES])
{
	const struct user *writer = first_of(f->writers, u), *reader = first_of(f->readers, u);
	char path[DISK_PATH_MAX];

	int len = snprintf(path, sizeof path, "%s%s%s", f->dir, *f->name != '\0' ? "/" : "", f->name);
	if (len < 0 || (size_t)len >= sizeof path)
		return ERR_LIMIT;
	int err = disk_os.mkdir(disk_os.ctx, path);
	if (err == 0)
		err = writer == NULL ? user_let_through(path) :
		    user_own(path, writer->uid, writer->gid, reader != NULL ? reader->gid : UINT32_MAX);
	if (err != 0)
		log_error("folder_not_given", "folder=\"%s\" error=\"%s\" remedy=\"it must be on a file system that knows owners, and the service needs "
		    "CAP_CHOWN and CAP_FOWNER\"", path, err_text(err));
	return err;
}

int
users_enter(const char *spec, enum role role, const char *state_dir, const struct users_folder *v, size_t n)
{
	struct user u[ROLES] = { 0 };
	int err = find(spec, u);

	if (err == 0)
		err = user_let_through(state_dir);
	for (size_t i = 0; err == 0 && i < n; i++)
		err = give(&v[i], u);
	if (err != 0)
		return err;
	umask(027);	/* the spool is read by another group; all else is in folders of one owner */
	if ((err = user_become(&u[role])) != 0)
		log_error("user_refused", "uid=%u error=\"%s\" remedy=\"the service needs CAP_SETUID and CAP_SETGID\"", u[role].uid, err_text(err));
	return err;
}

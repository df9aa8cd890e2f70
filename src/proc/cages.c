/* See cages.h. */
#include "proc/cages.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "driver/driver.h"
#include "os/cage.h"
#include "os/disk.h"
#include "proc/catalog.h"
#include "proc/users.h"
#include "sink/sink.h"
#include "site/address.h"
#include "site/roles.h"
#include "site/ways.h"

#define PATHS_MAX	512u

/* Folders below the state directory: whose they are, and who may read them. Made here if they are not there, since a cage is made of what is. */
static const struct {
	const char	*name;
	uint32_t	 writers, readers;	/* sets of roles */
} folders[] = {
	{ "spool", 1u << ROLE_GATE, 1u << ROLE_OFFICE },
	{ "audit", 1u << ROLE_GATE, 0 },
	{ "gate", 1u << ROLE_GATE, 0 },
	{ "insight", 1u << ROLE_INSIGHT, 0 },
	{ "office", 1u << ROLE_OFFICE, 0 },
	{ "link", 1u << ROLE_FIELD, 0 },
	{ "manual", 1u << ROLE_FIELD, 0 },
	{ "pki", 0, 0 },
	{ "pki/ot", 1u << ROLE_FIELD, 0 },
	{ "pki/it", 1u << ROLE_OFFICE, 0 },
};

/* What a process with a network needs to find names, zones of time, authorities and the libraries that do it. */
static const char *const resolvers[] = { "/etc/resolv.conf", "/etc/hosts", NULL };
static const char *const networked[] = {
	"/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/etc/services", "/etc/localtime", "/etc/ssl",
	"/etc/ca-certificates", "/etc/ld.so.cache", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/usr/share/zoneinfo", "/usr/lib/ssl", "/usr/lib", "/lib", "/lib64",
	"/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager", NULL
};

static struct {
	enum role		 role;
	enum cage_net		 net;
	const char		*netns;		/* own memory */
	char			*users;		/* as the plan says, own memory */
	struct { char *path; dev_t dev; ino_t ino; uint32_t access; bool watched; } v[PATHS_MAX];
	size_t			 n;
	bool			 too_many;
	struct cage_state	 st;
	unsigned		 tried, worked;	/* by the self-test */
} cage;

/* All that a plan asks of the cage goes through here; each(): one path more. */
typedef void each_path(void *arg, const char *path, uint32_t access);

static void
key_paths(const struct key *keys, const struct keyval *v, uint32_t n, each_path *each, void *arg)
{
	char path[DISK_PATH_MAX];

	for (uint32_t i = 0; keys != NULL && i < n && keys[i].name != NULL; i++) {
		if ((keys[i].type != KEY_PATH && keys[i].type != KEY_SECRET) || v[i].s == NULL)
			continue;
		if (keys[i].writes_below == NULL) {
			each(arg, v[i].s, CAGE_READ);
			continue;
		}
		/* Not the folder itself: it may be the state directory, with the spool in it. */
		int len = snprintf(path, sizeof path, "%s/%s", v[i].s, keys[i].writes_below);
		if (len > 0 && (size_t)len < sizeof path)
			each(arg, path, CAGE_READ | CAGE_WRITE);
	}
}

static void
plan_paths(enum role role, const struct plan *p, each_path *each, void *arg)
{
	for (uint32_t i = 0; role == ROLE_FIELD && i < p->nsources; i++) {
		const struct source *s = &p->sources[i];
		const struct driver *d = driver_find(s->driver);
		if (d == NULL)
			continue;
		if (d->info.endpoint_is_device)
			each(arg, s->link != NULL ? s->link : s->endpoint, CAGE_READ | CAGE_DEVICE);
		key_paths(d->info.keys, s->keys, s->nkeys, each, arg);
	}
	for (uint32_t i = 0; role == ROLE_OFFICE && i < p->nsinks; i++) {
		const struct sink_type *t = sink_find(p->sinks[i].kind);
		if (t != NULL)
			key_paths(t->info.keys, p->sinks[i].keys, p->sinks[i].nkeys, each, arg);
	}
}

static enum cage_net
plan_net(enum role role, const struct plan *p)
{
	if (role != ROLE_FIELD && role != ROLE_OFFICE)
		return CAGE_NET_NONE;
	for (uint32_t i = 0; role == ROLE_OFFICE && i < p->nsinks; i++) {
		const struct sink_type *t = sink_find(p->sinks[i].kind);
		if (t != NULL && sink_listens(&t->info, &p->sinks[i]))
			return CAGE_NET_SERVER;
	}
	/* Not towards machines: what the drivers of an OT zone speak to never calls in. */
	for (uint32_t i = 0; role == ROLE_FIELD && i < p->nsources; i++) {
		const struct driver *d = driver_find(p->sources[i].driver);
		if (d != NULL && source_listens(&d->info, &p->sources[i]) && p->zones[p->sources[i].zone].it)
			return CAGE_NET_SERVER;
	}
	return CAGE_NET_CLIENT;
}

/* NULL: none is named. "": an empty one. */
static const char *
plan_netns(enum role role, const struct plan *p)
{
	const char *name = "";

	if (role != ROLE_FIELD && role != ROLE_OFFICE)
		return "";
	if (role == ROLE_FIELD && p->nsources > 0)
		name = p->zones[p->sources[0].zone].netns;
	if (role == ROLE_OFFICE && p->nsinks > 0)
		name = p->zones[p->sinks[0].zone].netns;
	return *name != '\0' ? name : NULL;
}

/* watched: another file of this name ends the process (cages_stale). */
static void
add_path(const char *path, uint32_t access, bool watched)
{
	struct stat st = { 0 };

	if (cage.n == PATHS_MAX) {
		cage.too_many = true;
		return;
	}
	char *copy = strdup(path);
	if (copy == NULL)
		fatal("out_of_memory", "what=cage");
	/* What is not there yet is found to be new later. */
	(void)stat(path, &st);
	cage.v[cage.n].path = copy;
	cage.v[cage.n].dev = st.st_dev;
	cage.v[cage.n].ino = st.st_ino;
	cage.v[cage.n].watched = watched;
	cage.v[cage.n++].access = access;
}

/*
 * A resolver's file that is a link into a folder of the cage (systemd-resolved, NetworkManager) is replaced there at every turn of the network; the C
 * library reads the new one by itself.
 */
static bool
in_cage_anyway(const char *path)
{
	char *real = realpath(path, NULL);
	bool in = false;

	for (size_t i = 0; i < cage.n && real != NULL; i++) {
		size_t len = strlen(cage.v[i].path);
		in = in || (strncmp(real, cage.v[i].path, len) == 0 && real[len] == '/');
	}
	free(real);
	return in;
}

/* What the plan names: certificates are renewed and serial lines plugged in anew, under the same name. */
static void
add_of_plan(void *unused, const char *path, uint32_t access)
{
	(void)unused;
	add_path(path, access, true);
}

/* Does it name a far end by name? Then a resolver that is set anew matters to it, and only then. */
static bool
needs_names(enum role role, const struct plan *p)
{
	struct network numeric;
	struct arena a = { 0 };
	struct way *ways;
	bool names = false;
	const struct catalog *c = catalog_all();
	uint32_t n = role == ROLE_FIELD || role == ROLE_OFFICE ? ways_of(p, c, &a, &ways) : 0;

	for (uint32_t i = 0; i < n; i++)
		names = names || (*ways[i].host != '\0' && network_parse_host(ways[i].host, &numeric) != 0);
	arena_fini(&a);
	return names;
}

/* A layer could not be had: an error where the plan demands it, else a warning. */
static int
missing(const struct plan *p, const char *layer, int err, const char *remedy)
{
	if (!p->sandbox_required) {
		log_warn("sandbox_layer_missing", "layer=\"%s\" error=\"%s\" remedy=\"%s\"", layer, err_text(err), remedy);
		return 0;
	}
	log_error("sandbox_layer_missing", "layer=\"%s\" error=\"%s\" demanded_by=\"security: sandbox: require\" remedy=\"%s\"", layer,
	    err_text(err), remedy);
	return ERR_DENIED;
}

/* What the plan names and this user may not read is said here, where the remedy is known; whoever needs it fails later. */
static void
tell_unreadable(const char *spec)
{
	for (size_t i = 0; i < cage.n; i++)
		if (cage.v[i].watched && cage.v[i].ino != 0 && faccessat(AT_FDCWD, cage.v[i].path, R_OK, AT_EACCESS) != 0)
			log_error("file_unreadable", "file=\"%s\" remedy=\"%s runs as a user of its own: chgrp %s-%s FILE; chmod g+r FILE; and its "
			    "folders must let it through\"", cage.v[i].path, role_name(cage.role), spec, role_name(cage.role));
}

static int
enter_user(const struct plan *p, const char *state_dir, struct cage_state *st)
{
	struct users_folder list[sizeof folders / sizeof folders[0] + PATHS_MAX];
	size_t n = 0;

	if (*p->users == '\0')
		return 0;
	if (geteuid() != 0)
		return missing(p, "users", ERR_DENIED, "start penstock as root, or remove users from the section security");
	for (; n < sizeof folders / sizeof folders[0]; n++)
		list[n] = (struct users_folder){ state_dir, folders[n].name, folders[n].writers, folders[n].readers };
	for (size_t i = 0; i < cage.n; i++)	/* of the plan: folders of this process elsewhere */
		if (cage.v[i].watched && (cage.v[i].access & CAGE_WRITE) != 0)
			list[n++] = (struct users_folder){ cage.v[i].path, "", 1u << cage.role, 0 };
	if (users_enter(p->users, cage.role, state_dir, list, n) != 0)
		return ERR_DENIED;
	st->own_user = true;
	tell_unreadable(p->users);
	return 0;
}

static void
add_folders(const char *state_dir)
{
	char path[DISK_PATH_MAX];

	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		bool writes = (folders[i].writers & 1u << cage.role) != 0;
		snprintf(path, sizeof path, "%s/%s", state_dir, folders[i].name);
		disk_os.mkdir(disk_os.ctx, path);	/* one that cannot be made is missed by whoever needs it, with a better text */
		if (writes || (folders[i].readers & 1u << cage.role) != 0)
			add_path(path, CAGE_READ | (writes ? CAGE_WRITE : 0u), false);
	}
}

void
cages_publish(struct stats *s)
{
	stat_t *f = stats_object(s, STATS_cage, "cage");

	stat_set(&f[STATS_cage_privileges], cage.st.privileges);
	stat_set(&f[STATS_cage_calls], cage.st.calls);
	stat_set(&f[STATS_cage_files], cage.st.files);
	stat_set(&f[STATS_cage_landlock], (uint64_t)cage.st.landlock_abi);
	stat_set(&f[STATS_cage_own_network], cage.st.own_network);
	stat_set(&f[STATS_cage_own_user], cage.st.own_user);
	stat_set(&f[STATS_cage_tried], cage.tried);
	stat_set(&f[STATS_cage_worked], cage.worked);
}

static int
enter_network(struct cage_state *st)
{
	int err = cage_network(cage.netns, st);

	if (err != 0)
		log_error("no_network_namespace", "netns=\"%s\" error=\"%s\" remedy=\"%s\"", cage.netns, err_text(err), err == ERR_NOTFOUND ?
		    "make it with ip netns add, or mend netns of the zone" : "penstock must be started with CAP_SYS_ADMIN to enter it");
	return err;
}

static int
layers(const struct plan *p, const char *state_dir, struct cage_state *st)
{
	struct cage_path paths[PATHS_MAX];
	int err;

	for (size_t i = 0; i < cage.n; i++)
		paths[i] = (struct cage_path){ cage.v[i].path, cage.v[i].access };
	if (enter_network(st) != 0 || enter_user(p, state_dir, st) != 0)
		return ERR_DENIED;
	if ((err = cage_privileges(st)) != 0 &&
	    missing(p, "privileges", err, "find out why the kernel refuses to take capabilities away") != 0)
		return ERR_DENIED;
	if ((err = cage_files(paths, cage.n, st)) != 0 &&
	    missing(p, "files", err, "Landlock takes Linux 5.13 or later with landlock in its lsm= list") != 0)
		return ERR_DENIED;
	if ((err = cage_calls(cage.net, cage.role != ROLE_OFFICE, st)) != 0 &&
	    missing(p, "calls", err, "seccomp takes a kernel that has it, and a build without sanitizers") != 0)
		return ERR_DENIED;
	return 0;
}

/* Only a whole cage is put to the test: of another one it is known what it lets through. */
static int
try_cage(const struct plan *p, const char *state_dir)
{
	char plan_file[DISK_PATH_MAX], holes[512];

	if (!cage.st.privileges || !cage.st.calls || !cage.st.files)
		return 0;
	snprintf(plan_file, sizeof plan_file, "%s/plans/current", state_dir);
	cage.worked = cage_try(cage.net, plan_file, &cage.tried, holes, sizeof holes);
	if (cage.worked == 0)
		return 0;
	return missing(p, holes, ERR_PROTO, "the sandbox lets through what it must not: report this with the kernel's version");
}

int
cages_enter(enum role role, const char *state_dir, const struct plan *p)
{
	const char *netns = plan_netns(role, p);

	cage.role = role;
	cage.net = plan_net(role, p);
	cage.netns = netns == NULL ? NULL : strdup(netns);
	cage.users = strdup(p->users);
	if (cage.users == NULL)
		fatal("out_of_memory", "what=cage");
	add_folders(state_dir);
	add_path("/dev/null", CAGE_READ | CAGE_DEVICE, false);
	add_path("/dev/urandom", CAGE_READ, false);
#if defined(__SANITIZE_ADDRESS__)
	add_path("/proc", CAGE_READ, false);	/* the search for leaks at the end looks at the threads */
#endif
	if (cage.net != CAGE_NET_NONE) {
		bool names = needs_names(role, p);
		for (size_t i = 0; networked[i] != NULL; i++)
			add_path(networked[i], CAGE_READ, false);
		for (size_t i = 0; resolvers[i] != NULL; i++)
			add_path(resolvers[i], CAGE_READ, names && !in_cage_anyway(resolvers[i]));
	}
	plan_paths(role, p, add_of_plan, NULL);
	if (cage.too_many) {
		log_error("cage_too_large", "paths=%u remedy=\"one process names more files than a cage holds: spread its devices over several "
		    "zones\"", PATHS_MAX);
		return ERR_LIMIT;
	}
	int err = layers(p, state_dir, &cage.st);
	return err != 0 ? err : try_cage(p, state_dir);
}

static void
look_for(void *arg, const char *path, uint32_t access)
{
	bool *all = arg;
	size_t i = 0;

	while (i < cage.n && (strcmp(cage.v[i].path, path) != 0 || (access & ~cage.v[i].access) != 0))
		i++;
	*all = *all && i < cage.n;
}

bool
cages_fit(const struct plan *p)
{
	bool all = plan_net(cage.role, p) <= cage.net;
	const char *netns = plan_netns(cage.role, p);

	if ((netns == NULL) != (cage.netns == NULL) || (netns != NULL && strcmp(netns, cage.netns) != 0))
		return false;
	if (strcmp(p->users, cage.users) != 0)
		return false;
	plan_paths(cage.role, p, look_for, &all);
	return all;
}

const char *
cages_stale(void)
{
	struct stat st;

	for (size_t i = 0; i < cage.n; i++)
		if (cage.v[i].watched && stat(cage.v[i].path, &st) == 0 && (st.st_dev != cage.v[i].dev || st.st_ino != cage.v[i].ino))
			return cage.v[i].path;
	return NULL;
}

/* See streams.h. */
#include "cli/streams.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cli/ctl.h"
#include "os/disk.h"
#include "spool/spool.h"

struct find {
	const char	*root, *only;
	struct streams	*out;
	int		 err;
};

static void
add(void *arg, const char *dir, const char *flow, uint32_t schema)
{
	struct find *f = arg;
	struct streams *s = f->out;
	char path[DISK_PATH_MAX];

	(void)schema;
	if (f->err != 0 || (f->only != NULL && strcmp(f->only, dir) != 0 && strcmp(f->only, flow) != 0))
		return;
	if (s->n == STREAMS_MAX || (size_t)snprintf(path, sizeof path, "%s/%s", f->root, dir) >= sizeof path) {
		f->err = ERR_LIMIT;
		return;
	}
	struct stream_name *v = realloc(s->v, (s->n + 1) * sizeof *v);
	if (v == NULL) {
		f->err = ERR_NOMEM;
		return;
	}
	s->v = v;
	s->v[s->n++] = (struct stream_name){ strdup(dir), strdup(path), strdup(flow) };
	if (v[s->n - 1].dir == NULL || v[s->n - 1].path == NULL || v[s->n - 1].flow == NULL)
		f->err = ERR_NOMEM;
}

int
streams_find(const char *command, const char *state, const char *only, struct streams *out)
{
	char root[DISK_PATH_MAX];
	struct find f = { .root = root, .only = only, .out = out };

	*out = (struct streams){ 0 };
	if ((size_t)snprintf(root, sizeof root, "%s/spool", ctl_state_dir(state)) >= sizeof root)
		return ERR_LIMIT;
	int err = spool_streams(root, &disk_os, add, &f);
	if (err == 0)
		err = f.err;
	if (err == ERR_NOTFOUND)
		fprintf(stderr,
		    "penstock %s: there is no spool at %s: name the state directory with --state DIR or "
		    "PENSTOCK_STATE\n",
		    command, root);
	else if (err != 0)
		fprintf(stderr, "penstock %s: %s: %s\n", command, root, err_text(err));
	if (err == 0 && out->n == 0 && only != NULL) {
		fprintf(stderr, "penstock %s: no stream called %s in %s: penstock spool info shows what is there\n",
		    command, only, root);
		err = ERR_NOTFOUND;
	}
	if (err != 0)
		streams_fini(out);
	return err;
}

void
streams_fini(struct streams *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].dir);
		free(s->v[i].path);
		free(s->v[i].flow);
	}
	free(s->v);
	*s = (struct streams){ 0 };
}

/*
 * Inside site/: the state of one load, passed from file to file. Reading goes in the order of dependence (load.c), each
 * load_*.c turns one kind of section into rows of the plan, checks.c judges the whole, compile.c seals it.
 */
#ifndef SITE_LOADER_H
#define SITE_LOADER_H

#include "base/clock.h"
#include "site/node.h"
#include "site/parse.h"
#include "site/sections.h"
#include "site/strings.h"

/* How files are read; a seam, so that tests and fuzzers load from memory. */
struct site_io {
	/* Append the whole of a file, at most SITE_FILE_MAX bytes. 0 or an error. */
	int	(*read)(void *ctx, const char *path, struct buf *out);
	/* The time by which exceptions run out; NULL: none ever does. */
	struct wall (*now)(void *ctx);
	void	*ctx;
};

struct tag_place {		/* what a tag occupies, for the overlap check */
	struct at_info	at;
	bool		known;	/* the driver understood the address */
};

struct type_def;		/* types.c */

struct loader {
	struct plan		*plan;		/* being built */
	const struct catalog	*catalog;
	const struct site_io	*io;
	struct arena		 scratch;	/* nodes and drafts: until the load ends */
	struct findings		 f;
	struct strings		 strings;	/* of the plan's arena */
	struct parse_env	 env;
	char			 table_decimal;	/* the site's word on tables; 0: none */
	const char		*file;		/* the site file, as its findings name it */
	const struct node	*root;
	const struct node	*section[SECTIONS];
	struct map		 rows[SECTIONS];	/* name -> row, for the sections that others refer to */
	struct map		 paths;		/* tag path -> index + 1 */
	struct map		 units;		/* for env.units */
	struct map		 tables;	/* CSV files read already */
	/* Tags in the order of reading; sorted into the plan by compile.c. */
	struct tag		*tags;
	struct tag_place	*places;
	size_t			 ntags, cap;
	struct derived		*derived;	/* load_derived.c */
	uint32_t		*event_acks;	/* of each event: tag of its acknowledge; UINT32_MAX: none */
	bool			 tags_missing;	/* a table was not read whole: a flow without tags may be no fault of the flow */
	const struct driver_info **drivers;	/* a source each; NULL: unknown */
	bool			*zone_used, *conduit_used, *sink_used;
	const char		**files;	/* read so far, the site file first */
	size_t			 nfiles;
};

#define LOADER_FILES_MAX 1000u

static inline struct place
loader_at(const struct loader *l, const struct node *n)
{
	return (struct place){ l->file, n->line, n->column };
}

/* load.c: read one more file of the site; ERR_LIMIT past LOADER_FILES_MAX. path is kept. */
int loader_read(struct loader *l, const char *path, struct buf *out);

/* keys.c: read a map by tables of keys. vals[i] gets the value of keys[i]; defaults are filled in. */
struct keyset {
	const struct key	*keys;
	struct keyval		*vals;
};
/*
 * what: "zone line-3", for messages. Missing required keys are findings at `where`. Returns the number of findings
 * made.
 */
size_t keys_read(struct loader *l, const struct node *map, const char *what, const struct keyset *sets, size_t nsets);
/* Parse one text for a key; findings name the key and `what`. 0 or an error. */
int keys_scalar(struct loader *l, const struct key *k, const struct node *n, const char *what, struct keyval *out);
/* The rule that a value breaks which key_parse refused with err. */
const char *key_rule(const struct key *k, int err);
/* Fill in what is not set and has a default. */
void keys_defaults(struct loader *l, const struct key *keys, struct keyval *vals);
/* Is this node a map? If not, a finding says so. NULL counts as an empty map and is true. */
bool keys_is_map(struct loader *l, const struct node *n, const char *what);
/* Place of item i of a list-valued key of a map, or of the single text. */
struct place keys_item_place(const struct loader *l, const struct node *map, const char *key, size_t i);

/* load.c: first entry of a section that is a map, NULL if there is none; and its name judged, with findings. */
const struct node *section_first(const struct loader *l, int section);
void section_name(struct loader *l, int section, const struct node *entry);

/*
 * refs.c: the row of a section by its name; when there is none, NULL and a finding with the nearest name. what: who
 * refers.
 */
void *ref_find(struct loader *l, int section, const char *name, struct place at, const char *what);
void ref_add(struct loader *l, int section, const char *name, void *row);

/* The sections, in the order they are read. */
void load_site(struct loader *l);
void load_zones(struct loader *l);
void load_conduits(struct loader *l);
void load_enums(struct loader *l);
void load_sources(struct loader *l);
void load_sinks(struct loader *l);
void load_types(struct loader *l);
void load_equipment(struct loader *l);
void load_tables(struct loader *l);
void load_events(struct loader *l);
void load_flows(struct loader *l);
void load_requests(struct loader *l);
/* load_events.c: flows and requests are known: does every event have its way, every handshake its entry? */
void events_check(struct loader *l);

/*
 * compile.c: sort the tags into the plan, number them, fill in scan classes, flows and hashes. Only when nothing is
 * wrong.
 */
void plan_compile(struct loader *l);
/* Fill in a source's scan classes from its tags, and the tags' numbers of theirs. */
void source_set_scans(struct source *s);

#endif

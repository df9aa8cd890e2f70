/*
 * Mappings: how an event becomes a request to SAP, and how rows read from SAP become tags. A mapping is data, a YAML
 * file; ready ones (ready/NAME.yaml) are compiled into the program, a site's own stand in a folder and replace a ready
 * one of the same name. doc/sap-mappings.md is their manual. Nothing here speaks to a network.
 *
 * Three kinds: one that *creates* or calls (an event goes out), one that *updates* (it fills in what an entity that is there leaves blank), and one that
 * *reads* (rows come in, read.h).
 */
#ifndef SINK_SAP_ODATA_MAP_H
#define SINK_SAP_ODATA_MAP_H

#include "base/arena.h"
#include "base/clock.h"
#include "proto/odata/meta.h"
#include "site/finding.h"

#define MAPPINGS_MAX		200u	/* of a set */
#define MAPPING_FILE_MAX	(256u << 10)
#define MAPPING_FIELDS_MAX	400u	/* of one mapping, its items included */
#define MAPPING_ITEMS_DEPTH	3u	/* items within items */
#define MAPPING_REPEAT_MAX	100u	/* items that one event may make of one row */

struct mapping_set;
struct fields;			/* map_int.h */
struct reading;			/* read.h */

enum identity_form {
	IDENTITY_NONE,		/* found again by its key or by other properties, see lookup */
	IDENTITY_GUID,		/* the event's id as it is */
	IDENTITY_TEXT20,	/* 20 of A-Z0-9, made of the id: 100 of its bits */
	IDENTITY_TEXT16,	/* 16 of A-Z0-9: 80 of its bits */
};

struct mapping {
	const char		*name;		/* "production-confirmation" */
	const char		*about;		/* one line */
	const char		*event;		/* type of events that it takes: "operations-performance"; "" of one that reads */
	const char		*service;	/* path of the service root: "/sap/opu/odata/sap/API_PROD_ORDER_CONFIRMATION_2_SRV" */
	unsigned		 version;	/* 2 or 4 */
	const char		*set;		/* entity set; of a call, the function import */
	bool			 call;		/* a function import, its parameters in the query */
	bool			 update;	/* an entity that is there, found by its key, is filled in */
	struct place		 at;		/* file (or "ready/NAME.yaml"), line, column of its name */
	const struct mapping_set *of;
	/* Of one that creates or updates: */
	const struct fields	*fields;
	const char		*identity_prop;	/* NULL: none */
	enum identity_form	 identity;
	const char *const	*document;	/* properties that make the document's number, NULL-ended */
	const char		*follow_nav;	/* read this navigation after the create ... */
	const char		*follow_prop;	/* ... and each row must have this (MaterialDocument); NULL: no follow-up */
	/* Of one that reads: */
	const struct reading	*reading;	/* NULL: it creates */
};

/*
 * Read the ready mappings and those of a folder (NULL: none; all its *.yaml). What is wrong becomes findings with file,
 * line and column. *out is given (mapping_set_free), also when some files are wrong: those are left out. 0, ERR_SYNTAX
 * when there are errors, or of reading the folder. Blocks on the disk.
 */
int mapping_load(const char *folder, struct findings *f, struct mapping_set **out);
/* The same without a disk: the ready ones, then each text of the array as if it were file `name`. */
struct mapping_text { const char *name, *text; size_t len; };
int mapping_load_texts(const struct mapping_text *v, size_t n, struct findings *f, struct mapping_set **out);
void mapping_set_free(struct mapping_set *s);
/* For a process that only wants one line: mapping_load with the first error in why. */
int mapping_load_quiet(const char *folder, struct mapping_set **out, char *why, size_t size);

/* All, by name: *n of them. */
const struct mapping *const *mapping_all(const struct mapping_set *s, size_t *n);
const struct mapping *mapping_find(const struct mapping_set *s, const char *name);
/* The nearest name, for "did you mean"; NULL: none. */
const char *mapping_near(const struct mapping_set *s, const char *name);
/* The file of a ready mapping, as it was written; NULL: it is a site's own, see m->at.file. Static. */
const char *mapping_ready_text(const struct mapping *m);
/* What a site may set for a mapping: the names that its `setting:` rows use, NULL-ended, in the set's arena. */
const char *const *mapping_settings(const struct mapping *m);
/* What to do about SAP's error code (exact, "M7/053"); NULL: nobody knows. Static or of the set. */
const char *mapping_hint(const struct mapping *m, const char *code);

/*
 * Does the mapping fit the service? What does not becomes findings at the mapping's rows: a property is missing (with
 * the nearest), cannot be set on creation, is shorter than the mapping says, has another type; a set cannot be created
 * in; a navigation is missing. `file` of the findings is the mapping's. Returns the number of errors.
 */
size_t mapping_check(const struct mapping *m, const struct odata_meta *meta, struct findings *f);

/* ---- An event becomes a request ---- */

struct message_setting { const char *name, *value; };

struct message_env {		/* what a message is made of besides the event */
	const struct zone_offset	*zones;		/* the plant's time zone; n 0: UTC */
	size_t				 nzones;
	const struct message_setting	*settings;	/* "plant" = "1010", of the sink's key `settings` */
	size_t				 nsettings;
};

struct message {		/* all in the arena, NUL-ended */
	const char	*method;	/* "POST"; of an update "PATCH" */
	const char	*path;		/* below the service root, escaped, no slash before it: "ProdnOrdConf2" */
	const char	*body;		/* JSON; "" of a call */
	size_t		 len;
	const char	*lane;		/* "order 1000123": what must stay in order, one at a time */
	const char	*lookup;	/* path of a GET that finds it when it is there already; "" when there is none: never repeat unasked */
	bool		 lookup_key;	/* lookup names one entity: 404 says absent. Else it is a list, and an empty one says so */
	const char	*identity;	/* what SAP gets as identity; "" if none */
	uint32_t	 items;		/* rows below follow_nav that were sent */
};

#define FAULT_TEXT	400u
struct fault {			/* why no message can be made, for the person who must mend it */
	char	code[32];		/* "missing", "too-long", "unit", "number", "event", "time" */
	char	text[FAULT_TEXT];	/* cause and remedy, with the event's field, its value, the property and its limit */
	char	target[META_NAME_MAX + 64];	/* "ConfirmationYieldQuantity", "to_ProdnOrdConfMatlDocItm[2]/Material" */
};

/*
 * Make the request of an event. meta: narrows what the mapping says (lengths, digits), NULL: the mapping's own word. 0,
 * or ERR_RANGE with why. Allocates in the arena alone, at most some times the event's size.
 */
int message_build(const struct mapping *m, const struct odata_meta *meta, const struct message_env *env,
    const char *event_json, size_t len,
    struct arena *a, struct message *out, struct fault *why);
/* The lane alone, for an event that is put into the outbox; "" when it has none. 0 or ERR_RANGE with why. */
int message_lane(const struct mapping *m, const char *event_json, size_t len, char *out, size_t size,
    struct fault *why);

/*
 * The number of the document, from the answer of a lookup ("0000012345/00000001"). ERR_NOTFOUND: a
 * lookup's list is empty, or what it found is not ours (it differs in what the mapping's lookup compares); ERR_SYNTAX:
 * it cannot be understood, or there is more of it elsewhere; ERR_PROTO: asked for one identity, it gives others alone, or none:
 * the service does not read $filter, so nobody can say. More than one in the list: the first, and *more (may be NULL) gets how many; a double
 * booking, to be told.
 */
int message_document(const struct mapping *m, const struct message *sent, const char *answer, size_t len, char *out,
    size_t size, unsigned *more);

/*
 * The same from the answer to a create of our own, which is ours whatever it says, but for one thing: that it bears another identity (ERR_PROTO: somebody
 * on the way has mixed up answers).
 */
int message_created(const struct mapping *m, const struct message *sent, const char *answer, size_t len, char *out, size_t size);

/*
 * An update against the entity that it is to fill in, as it was read. What somebody else has written is never written over: a property is blank (null, empty,
 * or ABAP's initial value), or it is equal, or the update is taken back to the one who asked for it.
 */
enum fill_state { FILL_WRITE, FILL_SAME, FILL_TAKEN };
struct fill {			/* texts in the arena */
	enum fill_state	 state;
	const char	*document;	/* its number */
	const char	*etag;		/* of the body; NULL: it has none that may stand in a header */
	const char	*prop, *has, *wanted;	/* TAKEN: the first property that has another value, and both as text */
};
/* 0, or ERR_SYNTAX: the answer cannot be understood. */
int message_fill(const struct mapping *m, const struct message *sent, const char *answer, size_t len, struct arena *a, struct fill *out);

/*
 * 201 is not the end. Path of the GET that tells (empty: the mapping has none), from the answer of the create or of the
 * lookup; then its answer judged: 0 all of it is there, ERR_AGAIN not yet (ask again later), with a text for people.
 */
int message_follow(const struct mapping *m, const char *answer, size_t len, char *path, size_t size);
int message_follow_judge(const struct mapping *m, uint32_t items, const char *answer, size_t len, char *text,
    size_t size);

#endif

/*
 * The plan: the checked, compiled, immutable form of the site file. Everything in it lives in its arena and is found by
 * index; names that other rows refer to have been resolved. Processes do not see it whole: each gets a slice (slice.h).
 *
 * What has an identity across plans has a hash: a source by its key (all that it reads and how), a flow by its schema
 * version (which tags, of which types and units, in which order). What keeps its hash is left alone by a reload.
 */
#ifndef SITE_PLAN_H
#define SITE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "model/event.h"
#include "model/request.h"
#include "model/value.h"
#include "site/key.h"

#define PLAN_TAGS_MAX		2000000u
#define PLAN_SOURCES_MAX	100000u
#define PLAN_FLOWS_MAX		10000u
#define PLAN_REQUESTS_MAX	10000u
#define PLAN_EVENTS_MAX		10000u
#define PLAN_SCAN_CLASSES_MAX	32u	/* different periods within one source */

#define PLAN_NO_SCAN		UINT16_MAX	/* scan class of a tag that is read on demand only */

struct place {		/* in a file of the site */
	const char	*file;
	int		 line, column;	/* both from 1 */
};

struct zone {
	const char	*name;
	double		 level;		/* Purdue level: 0..5, 3.5 for a DMZ */
	int		 sl_t;		/* IEC 62443-3-3 target security level, 0..4 */
	bool		 it;		/* on the IT side: level 3.5 and above */
	const char	*netns;		/* network namespace of the process that faces it, "": that of the start */
	struct place	 at;
};

struct conduit {
	const char	*name;
	uint32_t	 from, to;	/* zones; data flows from -> to */
	bool		 initiator_from;	/* who opens the session */
	bool		 requests;	/* admitted requests may go back through it, to -> from */
	struct place	 at;
};

struct enum_def {		/* an enumeration: text of each number */
	const char	*name;
	struct enum_item { int64_t value; const char *text; } *items;
	uint32_t	 n;
};

struct tag {			/* small members stand together: every process holds its tags */
	const char	*path;		/* "Packaging/Line 3/Filler/speed" */
	const char	*at;		/* address text, already checked by the driver; the driver parses it again */
	const char	*unit;		/* UCUM, "" if none given */
	const char	*help;		/* description, "" if none */
	int64_t		 scan_ns;	/* period; 0: only on demand */
	double		 factor, offset;	/* raw * factor + offset; 1 and 0: none */
	double		 lo, hi;	/* engineering range in `unit` */
	const struct enum_def *enumeration;	/* NULL: none */
	uint32_t	 source, index;	/* index: its number within the source, as in struct sample */
	struct place	 place;
	uint16_t	 scan_class;	/* of the source's classes, shortest period first; PLAN_NO_SCAN: on demand */
	/* As it leaves the driver: a scaled number is VALUE_F64 (an array of it for an array), anything else has the type
	 * of its address. An enumeration leaves the number as it is; sinks show its text. */
	uint8_t		 type;
	bool		 scaled, has_range, writable;
	/* Of a derived tag (derive.h; its address is the expression): sent with each sample of its inputs, scan_ns is only
	 * how often that may be. Else it is sent every scan_ns. */
	bool		 with_inputs;
};

struct source {
	const char	*name, *driver;
	uint32_t	 zone;
	const char	*endpoint;	/* as written */
	const char	*link;		/* normal form; sources with equal (zone, driver, link) share one connection */
	struct keyval	*keys;		/* the driver's keys, in the order of its table */
	uint32_t	 nkeys;
	struct tag	*tags;		/* borrowed run of plan->tags, sorted by path */
	uint32_t	 ntags;
	int64_t		 scans_ns[PLAN_SCAN_CLASSES_MAX];
	uint32_t	 nscans;
	double		 requests_per_s, bytes_per_s;	/* what it asks of its link, as its driver estimates; 0: unknown */
	uint64_t	 key;		/* identity: hash of driver, endpoint, keys and tags */
	struct place	 place;
};

struct sink {
	const char	*name, *kind;	/* kind: "mqtt", "sparkplug", "history" */
	uint32_t	 zone;
	struct keyval	*keys;
	uint32_t	 nkeys;
	uint64_t	 key;		/* identity: hash of kind and keys */
	struct place	 place;
};

enum reduce_kind { REDUCE_EVERY, REDUCE_ON_CHANGE, REDUCE_WINDOW, REDUCE_SWINGING_DOOR };
enum change_kind { CHANGE_ANY, CHANGE_ABSOLUTE, CHANGE_OF_VALUE, CHANGE_OF_RANGE };
enum window_fn {
	WINDOW_MIN, WINDOW_MAX, WINDOW_MEAN, WINDOW_TIME_MEAN, WINDOW_SUM, WINDOW_COUNT, WINDOW_FIRST, WINDOW_LAST, WINDOW_STDDEV,
	WINDOW_FNS
};
enum durability { DURABLE_EACH, DURABLE_INTERVAL, DURABLE_NONE };

struct flow {
	const char	*name;
	uint32_t	 schema;	/* schema version: hash of the tags below */
	struct flow_tag { uint32_t source, tag; const char *name; } *tags;	/* what crosses; name: path, with ":mean" and such for windows */
	uint32_t	 ntags;
	uint32_t	 conduits[8];	/* the chain of conduits from the sources' zone to the sinks' */
	uint32_t	 nconduits;
	uint32_t	*sinks;
	uint32_t	 nsinks;
	enum reduce_kind reduce;
	enum change_kind change;
	double		 deadband;	/* absolute, or a fraction for the two kinds of per cent */
	int64_t		 at_least_every_ns;	/* 0: off */
	int64_t		 window_ns;
	uint32_t	 window_fns;	/* bit set of enum window_fn; a window yields one tag a function, in enum order */
	double		 door;		/* swinging door: compression deviation, absolute, or fraction of range by `change` */
	enum durability	 durability;
	int64_t		 sync_ns;	/* DURABLE_INTERVAL */
	int64_t		 quota_bytes, quota_age_ns;	/* 0: none */
	bool		 live_first;	/* live data may overtake the backlog */
	int64_t		 latency_ns;	/* how long samples may wait at the gate to share a batch; 0: a batch a scan */
	const char	*why, *owner;
	struct place	 place;
};

struct tag_ref { uint32_t source, tag; };	/* tag: within the source */

/* An argument of a method call. */
struct request_arg {
	bool		 any, has_limits;	/* any value; a number within [lo, hi]; else one of the words */
	double		 lo, hi;
	const char	*words;		/* "start|stop" */
};

/* An entry of `requests:`: what may be asked of a device, by whom, within which limits. Nothing else may. */
struct request_rule {
	const char	*name;
	enum request_kind kind;
	struct tag_ref	*tags;		/* WRITE, ACK: that may be named; sorted */
	uint32_t	 ntags;
	uint32_t	 source;	/* CALL */
	const char	*method;	/* CALL: its address; else "" */
	struct request_arg *args;	/* CALL: exactly these */
	uint32_t	 nargs;
	uint32_t	*sinks;		/* that may pass it on */
	uint32_t	 nsinks;
	bool		 cli;		/* the command line may */
	bool		 events;	/* handshakes of `events:` may */
	const char *const *roles;	/* one of these the user must have; none: any user */
	uint32_t	 nroles;
	bool		 any;		/* values that nothing bounds: only of sources that reach no machine (driver manual) */
	bool		 has_limits;
	double		 lo, hi;	/* in the tags' unit */
	const double	*values;	/* allowed numbers; names of an enumeration stand as their numbers */
	const char *const *words;	/* allowed texts */
	uint32_t	 nvalues, nwords;
	double		 step;		/* most that it may differ from the present value; 0: any */
	double		 change;	/* most that its values may move in all within change_ns; 0: any */
	int64_t		 change_ns;
	int64_t		 min_interval_ns;	/* between two admitted ones for a tag; 0: none */
	uint32_t	 per_minute;	/* admitted ones of this entry; 0: any number */
	const char	*interlock;	/* must be true; "": none */
	int64_t		 ttl_ns;	/* the longest time to live */
	bool		 second_person;
	bool		 readback;	/* the outcome is judged by reading */
	bool		 readback_other;	/* `readback_tag`, else the tag itself */
	struct tag_ref	 readback_tag;
	double		 tolerance;
	int64_t		 within_ns;	/* how long the value may take to show */
	const char	*why, *owner;
	struct place	 place;
};

/* A field of an event: where its value comes from, and what it must be. */
struct event_rule_field {
	const char	*name;
	enum event_from	 from;
	enum event_type	 type;
	const char	*text;		/* the expression, or the constant */
	const char	*unit;		/* UCUM; "": a text, or a number without one */
	uint32_t	 length;	/* most characters of a text */
	bool		 required, has_range;
	double		 lo, hi;	/* in `unit` */
	const char *const *words;	/* the only values allowed; none: any */
	uint32_t	 nwords;
};

/* An entry of `events:`. It is the tag of type json with the same path, of the pseudo source "event:<zone>". */
struct event_rule {
	const char	*path;
	enum event_object object;
	uint32_t	 source, tag;	/* tag: within the source */
	const char	*when;		/* expression whose rising edge makes one; "": none */
	int64_t		 every_ns;	/* one at each multiple of it; 0: none */
	const char	*request;	/* handshake: expression of the request; "": none */
	const char	*acknowledge;	/* handshake: path of the tag written */
	int64_t		 timeout_ns;
	struct event_rule_field *fields;
	uint32_t	 nfields;
	uint32_t	 key[EVENT_KEY_MAX];	/* fields by their number; EVENT_KEY_NO: the event's own number */
	uint32_t	 nkey;
	struct place	 place;
};

struct arch;

struct plan {
	struct arena	 arena;
	const char	*enterprise, *site, *country, *time_zone;
	bool		 sandbox_required;	/* every layer of it, or the process does not run */
	const char	*users;		/* processes run as users of their own: os/user.h, user_find(); "": they do not */
	struct zone_offset *offsets;	uint32_t noffsets;	/* of time_zone, for hour() and such; none: UTC */
	const char	*folder;	/* of the site file */
	const char *const *files;	/* the site file, then its tables; NULL-ended. Not in slices. */
	struct zone	*zones;		uint32_t nzones;
	struct conduit	*conduits;	uint32_t nconduits;
	struct source	*sources;	uint32_t nsources;
	struct tag	*tags;		uint32_t ntags;		/* all tags, source by source */
	struct sink	*sinks;		uint32_t nsinks;
	struct flow	*flows;		uint32_t nflows;
	struct request_rule *requests;	uint32_t nrequests;
	struct event_rule *events;	uint32_t nevents;
	struct arch	*arch;		/* what is said beyond what runs; see arch.h. NULL in slices */
	uint64_t	 hash;		/* of everything: two plans with equal hash run alike */
};

/* An empty plan, given (plan_free). */
struct plan *plan_new(void);
void plan_free(struct plan *p);
/* Tag of one source by full path, NULL if there is none. Logarithmic. */
const struct tag *source_tag(const struct source *s, const char *path);
/* Tag by full path, NULL if there is none. Linear in the worst case; for tools, not for the data path. */
const struct tag *plan_tag(const struct plan *p, const char *path);

#endif

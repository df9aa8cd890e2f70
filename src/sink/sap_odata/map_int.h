/*
 * Inside the mappings: what a file says, after it was read. map_load.c reads a file, map_fields.c its rows of
 * properties, map_read.c those that read; map_set.c keeps many; map_check.c holds one against metadata; message*.c make
 * requests of events, read*.c take rows apart.
 */
#ifndef SINK_SAP_ODATA_MAP_INT_H
#define SINK_SAP_ODATA_MAP_INT_H

#include <string.h>

#include "base/map.h"
#include "proto/odata/value.h"
#include "sink/sap_odata/map.h"
#include "sink/sap_odata/read.h"
#include "site/node.h"

/* Where the value of a property comes from. */
enum field_from {
	FROM_FIELD,	/* a field of the event: from */
	FROM_VALUE,	/* a constant: value */
	FROM_CONTEXT,	/* what the event says of itself: context */
	FROM_SETTING,	/* what the site says to the sink: setting */
	FROM_TEXT,	/* a text with {fields}: text */
	FROM_UNIT,	/* the unit of a field: unit-of */
	FROMS
};
enum field_part { PART_DEFAULT, PART_DAY, PART_CLOCK, PART_INSTANT };	/* of a time: as */
enum unit_code { UNIT_SAP, UNIT_ISO };

struct pair { const char *from, *to; };

struct field {
	const char		*prop;
	struct place		 at;
	enum edm_type		 type;
	struct edm_facets	 facets;
	enum field_from		 from;
	const char		*source;	/* name, constant, or text */
	const char		*unit_of;	/* a field whose unit goes here; NULL: none */
	const char		*else_context;	/* of the event, when it has no such field; NULL: none */
	enum unit_code		 code;
	const char		*def;		/* NULL: none */
	const char		*unit_prop;	/* of a quantity: the property that has its unit */
	const struct pair	*map;		/* words of the event -> what SAP calls them */
	uint32_t		 nmap, pad;
	enum decimal_round	 round;
	enum field_part		 part;
	bool			 required, cut, pass_null;
};

struct item;
struct fields {
	struct field	*v;
	struct item	*items;
	uint32_t	 n, nitems;
};
struct item {
	const char	*nav;
	struct place	 at;
	const char	*when;		/* there is one only when this field has a value; NULL: always */
	uint32_t	 repeat;	/* 0: once; else {n} in names is 1 to this */
	struct fields	 fields;
};

struct hint { const char *code, *text; };
struct unit_row { const char *ucum, *iso, *sap; };

/* A mapping with all that only we look at. `m` stands first: a pointer to it is a pointer to this. */
struct mapping_full {
	struct mapping		 m;
	struct fields		 fields;
	struct reading		 reading;
	const char		*lane;		/* text with {fields}; NULL: none */
	bool			 lookup_by_key;
	const char *const	*lookup;	/* properties by which it is found; NULL-ended, NULL: none */
	const char *const	*same;		/* properties that must be equal for it to be ours; NULL-ended, NULL: none */
	const struct hint	*hints;
	const struct unit_row	*units;		/* before the table of units.c */
	const char *const	*settings;
	uint32_t		 nhints, nunits;
	uint32_t		 nfields;	/* with those of items */
};
static inline const struct mapping_full *map_full(const struct mapping *m) { return (const struct mapping_full *)m; }

/* Is this property one of those by which it is looked up by key? */
static inline bool
map_is_key(const struct mapping *m, const char *prop)
{
	const struct mapping_full *full = map_full(m);

	for (const char *const *s = full->lookup; full->lookup_by_key && s != NULL && *s != NULL; s++)
		if (strcmp(*s, prop) == 0)
			return true;
	return false;
}

struct read_where {
	const char	*prop, *op;
	enum edm_type	 type;
	const char	*value, *setting;	/* one of them */
	bool		 optional;		/* left out when the setting is not given */
};

struct mapping_set {
	struct arena			 arena;
	const struct mapping		*v[MAPPINGS_MAX];
	size_t				 n;
};

/* One file while it is read. */
struct map_file {
	struct arena		*a;
	struct findings		*f;
	const char		*file;
	struct mapping_full	*m;
	size_t			 errors;
	struct { const char *v[64]; uint32_t n; } settings;
};

/* map_node.c: nodes of YAML as values; what is wrong becomes a finding, and a value that does no harm. */
struct place map_at(const struct map_file *x, const struct node *n);
void map_error(struct map_file *x, const struct node *n, const char *rule, const char *remedy, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* All keys of a map must be among `known` (NULL-ended). false: it is no map. */
bool map_keys(struct map_file *x, const struct node *map, const char *what, const char *const *known);
const char *map_text(struct map_file *x, const struct node *n, const char *what);	/* NULL: n is NULL, or no text */
bool map_bool(struct map_file *x, const struct node *n, const char *what, bool otherwise);
uint32_t map_count(struct map_file *x, const struct node *n, const char *what, uint32_t max);
int map_choice(struct map_file *x, const struct node *n, const char *what, const char *const *words, int otherwise);
const char *const *map_texts(struct map_file *x, const struct node *n, const char *what);	/* a text, or a list of them; NULL-ended */
const char *map_identifier(struct map_file *x, const struct node *n, const char *what);	/* a name of OData */
bool map_type(struct map_file *x, const struct node *n, const char *what, enum edm_type *type,
    struct edm_facets *facets);
void map_setting(struct map_file *x, const char *name);

/* map_fields.c, map_read.c */
void map_fields(struct map_file *x, const struct node *map, const struct node *items, unsigned depth,
    struct fields *out);
void map_reading(struct map_file *x, const struct node *root);
/* map_load.c: NULL when it is wrong. */
const struct mapping *map_file_read(struct arena *a, struct findings *f, const char *file, const char *text,
    size_t len);

/* units.c: the table; NULL: no such. */
const struct unit_row *unit_of_ucum(const struct mapping_full *m, const char *ucum);
const struct unit_row *unit_of_code(const struct mapping_full *m, const char *code, enum unit_code which);

/* Compiled in: name and text of each, NULL-ended. */
extern const char *const sap_ready[][2];

#endif

/*
 * The site file's own keys, a table a section, and the table of sections. What a driver or a sink adds to its section
 * comes from the catalog. The parser, `penstock keys` and `penstock schema` read these rows and no others.
 */
#ifndef SITE_SECTIONS_H
#define SITE_SECTIONS_H

#include "site/key.h"

enum { SITE_ENTERPRISE, SITE_NAME, SITE_COUNTRY, SITE_TIME_ZONE, SITE_DECIMAL, SITE_KEYS };
enum { SECURITY_SANDBOX, SECURITY_KEYS };
enum { ZONE_LEVEL, ZONE_SL_T, ZONE_NETNS, ZONE_DESCRIPTION, ZONE_KEYS };
enum { CONDUIT_FROM, CONDUIT_TO, CONDUIT_INITIATOR, CONDUIT_REQUESTS, CONDUIT_DESCRIPTION, CONDUIT_KEYS };
enum { SOURCE_DRIVER, SOURCE_ZONE, SOURCE_ENDPOINT, SOURCE_DESCRIPTION, SOURCE_KEYS };
enum { SINK_KIND, SINK_ZONE, SINK_DESCRIPTION, SINK_KEYS };
enum { TYPE_EXTENDS, TYPE_PARAMS, TYPE_TAGS, TYPE_DESCRIPTION, TYPE_KEYS };
enum { EQUIPMENT_TYPE, EQUIPMENT_SOURCE, EQUIPMENT_PARAMS, EQUIPMENT_TAGS, EQUIPMENT_DESCRIPTION, EQUIPMENT_KEYS };
enum {
	TAG_AT, TAG_EXPR, TAG_SOURCE, TAG_TYPE, TAG_UNIT, TAG_SCAN, TAG_RANGE, TAG_FACTOR, TAG_OFFSET, TAG_ENUM, TAG_WRITABLE,
	TAG_DESCRIPTION, TAG_KEYS
};
enum { FLOW_WHAT, FLOW_FROM, FLOW_VIA, FLOW_TO, FLOW_HOW, FLOW_WHY, FLOW_OWNER, FLOW_KEYS };
enum {
	HOW_EVERY, HOW_ON_CHANGE, HOW_AT_LEAST, HOW_WINDOW, HOW_FUNCTIONS, HOW_DOOR, HOW_DURABILITY, HOW_SYNC, HOW_QUOTA,
	HOW_QUOTA_AGE, HOW_LIVE_FIRST, HOW_LATENCY, HOW_KEYS
};
enum {
	REQUEST_RULE_WHAT, REQUEST_RULE_KIND, REQUEST_RULE_SOURCE, REQUEST_RULE_METHOD, REQUEST_RULE_ARGUMENTS,
	REQUEST_RULE_FROM, REQUEST_RULE_ROLE, REQUEST_RULE_UNIT, REQUEST_RULE_LIMITS, REQUEST_RULE_VALUES,
	REQUEST_RULE_STEP, REQUEST_RULE_CHANGE, REQUEST_RULE_CHANGE_PER, REQUEST_RULE_MIN_INTERVAL,
	REQUEST_RULE_PER_MINUTE, REQUEST_RULE_INTERLOCK, REQUEST_RULE_TTL, REQUEST_RULE_SECOND_PERSON,
	REQUEST_RULE_READBACK, REQUEST_RULE_WHY, REQUEST_RULE_OWNER, REQUEST_RULE_KEYS
};
enum { READBACK_TAG, READBACK_TOLERANCE, READBACK_WITHIN, READBACK_SKIP, READBACK_KEYS };
/* Columns that only a table has: where YAML says it by nesting. */
enum { COLUMN_PATH, COLUMN_EQUIPMENT, COLUMN_NAME, COLUMN_LOW, COLUMN_HIGH, COLUMN_KEYS };

extern const struct key site_keys[], security_keys[], zone_keys[], conduit_keys[], source_keys[], sink_keys[], type_keys[], equipment_keys[],
    tag_keys[], flow_keys[], how_keys[], request_keys[], readback_keys[], column_keys[];

enum section_shape {
	SECTION_ONE,		/* the keys stand right below */
	SECTION_NAMED,		/* a map: name -> keys */
	SECTION_ENUMS,		/* a map: name -> { number: text } or [text, ...] */
	SECTION_FILES,		/* a list of CSV files */
};

enum {
	SECTION_SITE, SECTION_SECURITY, SECTION_ZONES, SECTION_CONDUITS, SECTION_SOURCES, SECTION_SINKS, SECTION_ENUMERATIONS, SECTION_TYPES,
	SECTION_EQUIPMENT, SECTION_TABLES, SECTION_FLOWS, SECTION_REQUESTS, SECTIONS
};

struct section {
	const char		*name;		/* key of the top level; NULL ends the array */
	const char		*one;		/* "a zone": one of its entries, for messages */
	enum section_shape	 shape;
	bool			 required;
	bool			 paths;		/* names are paths of the equipment hierarchy, else names as of KEY_NAME */
	const struct key	*keys;
	const char		*help;
};

extern const struct section sections[];

/* The maps below a key of type KEY_MAP. NULL: any keys (params), or names (tags, whose entries have tag_keys). */
const struct key *section_below(const struct key *k);

#endif

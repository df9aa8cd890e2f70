/* See sections.h. */
#include "site/sections.h"

#include "site/arch.h"

#include "model/event.h"
#include "model/request.h"

#define MS(n)	((double)(n) * 1e6)
#define S(n)	((double)(n) * 1e9)
#define D(n)	((double)(n) * 86400e9)

#define ROWS(table, count) _Static_assert(sizeof table / sizeof table[0] == (count) + 1, #table " and its enum differ")

static const char *const decimals[] = { ".", ",", NULL };
static const char *const ends[] = { "from", "to", NULL };
static const char *const on_demand[] = { "on-demand", NULL };
static const char *const sandboxes[] = { "best-effort", "require", NULL };
static const char *const architectures[] = { "advise", "enforce", NULL };
static const char *const criticalities[] = { "C1", "C2", "C3", "C4", NULL };
static const char *const off[] = { "off", NULL };
static const char *const durabilities[] = { "each", "interval", "none", NULL };
/* In the order of enum window_fn. */
static const char *const functions[] = {
	"min", "max", "mean", "time-mean", "sum", "count", "first", "last", "stddev", NULL
};
static const char *const request_kinds[] = { "write", "call", "ack", NULL };	/* in the order of enum request_kind */
static const char *const event_objects[] = {	/* in the order of enum event_object */
#define X(name, text, help) text,
	EVENT_OBJECTS(X)
#undef X
	NULL
};
static const char *const event_types[] = {	/* in the order of enum event_type */
#define X(name, text) text,
	EVENT_TYPES(X)
#undef X
	NULL
};
static const char *const value_types[] = {
	"bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "datetime",
	"string", "bytes", "json", NULL
};

const struct key site_keys[] = {
	[SITE_ENTERPRISE] = { "enterprise", KEY_TEXT, .min = 1, .max = 128, .required = true,
		.help = "Name of the company: the root of the equipment hierarchy." },
	[SITE_NAME] = { "name", KEY_TEXT, .min = 1, .max = 128, .required = true,
		.help = "Name of the site within the enterprise." },
	[SITE_COUNTRY] = { "country", KEY_TEXT, .min = 2, .max = 2,
		.help = "Country of the site, two letters of ISO 3166-1." },
	[SITE_TIME_ZONE] = { "time-zone", KEY_TEXT, .min = 1, .max = 64, .def = "UTC",
		.help = "Time zone of the site as in the tz database, such as Europe/Berlin. Data carries UTC; this "
		    "is for people." },
	[SITE_DECIMAL] = { "decimal", KEY_ENUM, .choices = decimals,
		.help = "Decimal sign in the tag tables. Left out: ',' in a table separated by ';', else '.'." },
	[SITE_SAP] = { "sap", KEY_ENUM, .choices = sap_releases, .def = "none",
		.help = "SAP release above the plant; `penstock advise` asks for it. s4 is S/4HANA on premise." },
	[SITE_KEYS] = { 0 },
};
const struct key security_keys[] = {
	[SECURITY_SANDBOX] = { "sandbox", KEY_ENUM, .choices = sandboxes, .def = "best-effort",
		.help = "What to do where the kernel lacks a layer of the sandbox that each process lives in: run with the others and say so "
		    "(best-effort), or do not run (require). `penstock status --security` shows what is in force." },
	[SECURITY_USERS] = { "users", KEY_NAME, .max = 64,
		.help = "Each kind of process runs as a user of its own: `users: penstock` means penstock-field, penstock-insight, penstock-gate and "
		    "penstock-office, which the machine must have; a number N means the user and group ids N, N+1, N+2 and N+3. penstock must be started as "
		    "root. Left out: all run as the user who started penstock." },
	[SECURITY_ARCHITECTURE] = { "architecture", KEY_ENUM, .choices = architectures, .def = "advise",
		.help = "What the rules for zones, conduits, equipment and flows (IEC 62443-3-2, IEC 62264-1) are: advise, where what is dangerous is a "
		    "warning, or enforce, where all of them are errors unless an entry of `exceptions` says why not, until when, and who answers." },
	[SECURITY_KEYS] = { 0 },
};
const struct key zone_keys[] = {
	[ZONE_LEVEL] = { "level", KEY_REAL, .min = 0, .max = 5, .required = true,
		.help = "Purdue level: 0 process, 1 sensing, 2 control, 3 operations, 3.5 DMZ, 4 and 5 enterprise. "
		    "From 3.5 up the zone is IT." },
	[ZONE_SL_T] = { "sl-t", KEY_INT, .min = 0, .max = 4, .def = "0",
		.help = "Target security level of IEC 62443-3-3, for all seven foundational requirements." },
	[ZONE_SL_T_FOR] = { "sl-t-for", KEY_LIST,
		.help = "Where the target differs: \"RDF 3\", of IAC, UC, SI, DC, RDF, TRE, RA." },
	[ZONE_SL_C] = { "sl-c", KEY_INT, .min = 0, .max = 4,
		.help = "Security level that what stands in the zone is capable of." },
	[ZONE_SL_C_FOR] = { "sl-c-for", KEY_LIST, .help = "Where the capability differs, as for sl-t-for." },
	[ZONE_KIND] = { "kind", KEY_ENUM, .choices = zone_kinds, .def = "plain",
		.help = "What sets the zone apart (IEC 62443-3-2, ZCR 3.3 to 3.6): safety for a safety instrumented system, wireless, temporary for what "
		    "is connected now and then, external for what comes through networks of others." },
	[ZONE_OWNER] = { "owner", KEY_TEXT, .min = 1, .max = 256, .help = "Who is accountable for it." },
	[ZONE_NETWORKS] = { "networks", KEY_LIST, .help = "Its networks, as 10.3.1.0/24 or fd00:3::/64." },
	[ZONE_NETNS] = { "netns", KEY_NAME,
		.help = "Network namespace (as `ip netns` keeps them) that holds the interfaces towards this zone. The process that faces the zone "
		    "lives in it, and reaches nothing else. Left out: the namespace that penstock was started in." },
	[ZONE_DESCRIPTION] = { "description", KEY_TEXT, .min = 0, .max = 1024,
		.help = "What the zone holds, for people." },
	[ZONE_KEYS] = { 0 },
};
const struct key conduit_keys[] = {
	[CONDUIT_FROM] = { "from", KEY_NAME, .required = true, .help = "Zone that the data comes from." },
	[CONDUIT_TO] = { "to", KEY_NAME, .required = true, .help = "Zone that the data goes to." },
	[CONDUIT_INITIATOR] = { "initiator", KEY_ENUM, .choices = ends, .def = "from",
		.help = "Which end opens the session; the firewall lets sessions through in this direction only." },
	[CONDUIT_REQUESTS] = { "requests", KEY_BOOL, .def = "no",
		.help = "May admitted requests go back through it, against the data? Each is named in the section "
		    "requests." },
	[CONDUIT_ONE_WAY] = { "one-way", KEY_BOOL, .def = "no",
		.help = "Nothing may come back through it, not even an acknowledgement: a data diode, or a firewall that acts as one." },
	[CONDUIT_SL_T] = { "sl-t", KEY_INT, .min = 0, .max = 4,
	    .help = "Its target security level. Left out: the higher one of its zones." },
	[CONDUIT_SL_T_FOR] = { "sl-t-for", KEY_LIST, .help = "Where the target differs, as for a zone." },
	[CONDUIT_OWNER] = { "owner", KEY_TEXT, .min = 1, .max = 256, .help = "Who is accountable for it." },
	[CONDUIT_DESCRIPTION] = { "description", KEY_TEXT, .min = 0, .max = 1024,
		.help = "What the conduit is for, for people." },
	[CONDUIT_KEYS] = { 0 },
};
const struct key source_keys[] = {
	[SOURCE_DRIVER] = { "driver", KEY_NAME, .required = true,
		.help = "Driver that speaks to it; its own keys stand beside this one." },
	[SOURCE_ZONE] = { "zone", KEY_NAME, .required = true, .help = "Zone that it stands in." },
	[SOURCE_ENDPOINT] = { "endpoint", KEY_TEXT, .min = 1, .max = 4000,
		.help = "Where it is: host:port, [IPv6 address]:port, host alone for the driver's usual port, a URL "
		    "where the driver speaks of one (opc.tcp://host:port/path), or the path of a serial device. Every driver but manual needs it." },
	[SOURCE_ATTACHED] = { "attached", KEY_ENUM, .choices = attachments,
		.help = "How the device is attached: what is wireless, temporary (connected now and then) or external (through networks of others) has to stand "
		    "in a zone of that kind (IEC 62443-3-2, ZCR 3.4 to 3.6). Left out: as its zone says." },
	[SOURCE_DESCRIPTION] = { "description", KEY_TEXT, .min = 0, .max = 1024, .help = "What it is, for people." },
	[SOURCE_KEYS] = { 0 },
};
const struct key sink_keys[] = {
	[SINK_KIND] = { "kind", KEY_NAME, .required = true,
		.help = "Kind of sink; its own keys stand beside this one." },
	[SINK_ZONE] = { "zone", KEY_NAME, .required = true, .help = "Zone that it stands in." },
	[SINK_DESCRIPTION] = { "description", KEY_TEXT, .min = 0, .max = 1024, .help = "What it is, for people." },
	[SINK_KEYS] = { 0 },
};
const struct key type_keys[] = {
	[TYPE_EXTENDS] = { "extends", KEY_NAME,
		.help = "Type whose tags and parameters it has too; a tag of the same name replaces that one." },
	[TYPE_PARAMS] = { "params", KEY_MAP,
		.help = "Parameters with their defaults; ~ for one that each piece of equipment must give. ${name} "
		    "in `at`, `source` and "
		"`description` stands for the value, also in whole-number terms such as ${base + 10} or ${base + 2 "
		"* n}." },
	[TYPE_TAGS] = { "tags", KEY_MAP, .help = "Tags by name." },
	[TYPE_DESCRIPTION] = { "description", KEY_TEXT, .min = 0, .max = 1024, .help = "What it is, for people." },
	[TYPE_KEYS] = { 0 },
};
const struct key equipment_keys[] = {
	[EQUIPMENT_TYPE] = { "type", KEY_NAME, .help = "Type that gives its tags." },
	[EQUIPMENT_SOURCE] = { "source", KEY_NAME, .help = "Source of its tags, where a tag names none itself." },
	[EQUIPMENT_PARAMS] = { "params", KEY_MAP, .help = "Values for the parameters of its type." },
	[EQUIPMENT_TAGS] = { "tags", KEY_MAP,
		.help = "Tags of its own by name, or the name of a CSV table (or a list of such names); with a "
		    "type, they come on top." },
	[EQUIPMENT_KIND] = { "kind", KEY_ENUM, .choices = equipment_kinds,
		.help = "What it is in the role-based hierarchy of IEC 62264-1. Left out: by its depth below the site, area, work center, work unit, "
		    "equipment module, control module." },
	[EQUIPMENT_DESCRIPTION] = { "description", KEY_TEXT, .min = 0, .max = 1024, .help = "What it is, for people." },
	[EQUIPMENT_KEYS] = { 0 },
};
const struct key tag_keys[] = {
	[TAG_AT] = { "at", KEY_TEXT, .min = 1, .max = 512,
		.help = "Address in the source, in the form that its driver reads." },
	[TAG_EXPR] = { "expr", KEY_TEXT, .min = 1, .max = 4096,
		.help = "Instead of `at`: an expression over other tags, which makes this a derived tag. See doc/expressions.md." },
	[TAG_SOURCE] = { "source", KEY_TEXT, .min = 1, .max = 128,
		.help = "Source to read it from; left out: that of the equipment." },
	[TAG_TYPE] = { "type", KEY_ENUM, .choices = value_types,
		.help = "Type that the address is expected to yield. Where the address itself says the type it is only a check; where "
		    "the driver cannot know it (opcua), it must be said, and values are held to it." },
	[TAG_UNIT] = { "unit", KEY_UNIT,
		.help = "Unit of the value (after scaling), as UCUM writes it; \"1\" for a plain count." },
	[TAG_SCAN] = { "scan", KEY_DURATION, .min = MS(10), .max = D(1), .def = "1 s", .choices = on_demand,
		.help = "How often it is read. on-demand (or 0): only when asked. A derived tag is sent this often; without, with "
		    "each sample of its inputs." },
	[TAG_RANGE] = { "range", KEY_RANGE, .help = "Lowest and highest value that make sense, in its unit." },
	[TAG_FACTOR] = { "factor", KEY_REAL, .help = "value = raw * factor + offset. A scaled value is a float64." },
	[TAG_OFFSET] = { "offset", KEY_REAL, .help = "See factor; in the tag's unit." },
	[TAG_ENUM] = { "enum", KEY_NAME,
		.help = "Enumeration that gives each number its text. The number itself is carried." },
	[TAG_WRITABLE] = { "writable", KEY_BOOL, .def = "no", .help = "May a request that the gate admits write it?" },
	[TAG_DESCRIPTION] = { "description", KEY_TEXT, .min = 0, .max = 1024, .help = "What it is, for people." },
	[TAG_KEYS] = { 0 },
};
const struct key flow_keys[] = {
	[FLOW_WHAT] = { "what", KEY_LIST, .required = true,
		.help = "Paths of the tags that cross: '*' for a part of one name, '**' for any number of names. A "
		    "list takes all that match any." },
	[FLOW_FROM] = { "from", KEY_LIST, .help = "Only tags of sources in these zones. Left out: of any zone." },
	[FLOW_VIA] = { "via", KEY_LIST,
		.help = "Conduits that carry it, from the sources' zone to the sink's. Left out: the only chain of "
		    "conduits there is." },
	[FLOW_TO] = { "to", KEY_LIST, .required = true, .help = "Sink or sinks that it goes to." },
	[FLOW_HOW] = { "how", KEY_MAP, .help = "How often, reduced how, kept how." },
	[FLOW_WHY] = { "why", KEY_TEXT, .min = 0, .max = 1024,
		.help = "What it is for: the reason that it may leave its zone." },
	[FLOW_OWNER] = { "owner", KEY_TEXT, .min = 0, .max = 256, .help = "Who answers for it." },
	[FLOW_USE_CASE] = { "use-case", KEY_TEXT, .min = 1, .max = 256,
	    .help = "The business objective it serves, by its name or number." },
	[FLOW_INFO_OBJECT] = { "info-object", KEY_TEXT, .min = 1, .max = 128,
		.help = "Information object of IEC 62264-2 or -4 that it carries, such as operations performance or equipment." },
	[FLOW_CATEGORY] = { "category", KEY_ENUM, .choices = arch_categories, .help = "Operations category of IEC 62264-3." },
	[FLOW_EXCHANGE] = { "exchange", KEY_ENUM, .choices = arch_exchanges,
	    .help = "Category of information exchange of IEC 62264-1." },
	[FLOW_CRITICALITY] = { "criticality", KEY_ENUM, .choices = criticalities,
		.help = "C1 stops production or is of safety, C2 stops shipping or is a legal record, C3 delays, C4 is a convenience." },
	[FLOW_CONFIDENTIALITY] = { "confidentiality", KEY_ENUM, .choices = arch_confidentialities, .help = "Who may read it." },
	[FLOW_STATUS] = { "status", KEY_ENUM, .choices = arch_statuses, .def = "live", .help = "Where it is in its life." },
	[FLOW_OUTAGE] = { "bridges", KEY_DURATION, .min = S(1), .max = D(365),
		.help = "Longest outage of its sinks that it must bridge without loss. The quota is checked against it." },
	[FLOW_PERSONAL_DATA] = { "personal-data", KEY_BOOL, .def = "no", .help = "Does it say something about a person?" },
	[FLOW_BULK] = { "bulk", KEY_BOOL, .def = "no",
	    .help = "Is it for stores and analysis, where minutes do not matter? `penstock advise` asks." },
	[FLOW_EXPORT_CONTROL] = { "export-control", KEY_TEXT, .min = 1, .max = 64,
	    .help = "Its class under export law, such as EAR99." },
	[FLOW_KEYS] = { 0 },
};
const struct key how_keys[] = {
	[HOW_EVERY] = { "every-sample", KEY_BOOL,
		.help = "Every sample as it was read. This is what happens when nothing else is said." },
	[HOW_ON_CHANGE] = { "on-change", KEY_DEADBAND,
		.help = "Only what differs from the value sent last by more than this." },
	[HOW_AT_LEAST] = { "at-least-every", KEY_DURATION, .min = MS(100), .max = D(30), .choices = off,
		.help = "With on-change or swinging-door: send the present value after this time also when nothing "
		    "changed." },
	[HOW_WINDOW] = { "window", KEY_DURATION, .min = MS(100), .max = D(1),
		.help = "One value of each of the functions for each stretch of this length, aligned to the clock "
		    "in UTC." },
	[HOW_FUNCTIONS] = { "functions", KEY_CHOICES, .choices = functions, .help = "What to send of each window." },
	[HOW_DOOR] = { "swinging-door", KEY_DEADBAND,
		.help = "Straight lines instead of samples: leave out what lies within this distance of the line "
		    "between its neighbours." },
	[HOW_DURABILITY] = { "durability", KEY_ENUM, .choices = durabilities, .def = "interval",
		.help = "When data counts as safe on disk: each batch, every sync-every, or when the system "
		    "pleases. A power cut loses what is not." },
	[HOW_SYNC] = { "sync-every", KEY_DURATION, .min = MS(10), .max = S(60), .def = "1 s",
		.help = "With durability interval: the most a power cut can lose." },
	[HOW_QUOTA] = { "quota", KEY_SIZE, .min = 1048576, .max = 1125899906842624.0,
		.help = "Most that its backlog takes on disk. Then the oldest goes, and the ledger says what went." },
	[HOW_QUOTA_AGE] = { "quota-age", KEY_DURATION, .min = S(60), .max = D(3650),
		.help = "Oldest backlog that is worth delivering. What is older goes, and the ledger says so." },
	[HOW_LIVE_FIRST] = { "live-first", KEY_BOOL, .def = "no",
		.help = "After an outage send live data at once and the backlog beside it, not behind it." },
	[HOW_LATENCY] = { "latency", KEY_DURATION, .min = MS(1), .max = S(60), .choices = off,
		.help = "How long samples may wait at the gate to share a batch. Left out: a batch a scan." },
	[HOW_KEYS] = { 0 },
};
const struct key request_keys[] = {
	[REQUEST_RULE_WHAT] = { "what", KEY_LIST,
		.help = "Paths of the tags that may be written (or, with kind ack, whose events may be acknowledged); "
		    "patterns as in a flow. Each must be writable." },
	[REQUEST_RULE_KIND] = { "kind", KEY_ENUM, .choices = request_kinds, .def = "write",
		.help = "Write a tag, call a method of a source, or acknowledge an event." },
	[REQUEST_RULE_SOURCE] = { "source", KEY_NAME, .help = "With kind call: the source that has the method." },
	[REQUEST_RULE_METHOD] = { "method", KEY_TEXT, .min = 1, .max = REQUEST_METHOD_MAX,
		.help = "With kind call: address of the method, as the driver writes it." },
	[REQUEST_RULE_ARGUMENTS] = { "arguments", KEY_LIST,
		.help = "With kind call: what each input argument may be: a range (\"0..100\"), words (\"start|stop\") or "
		    "any. Left out: the method is called without arguments." },
	[REQUEST_RULE_FROM] = { "from", KEY_LIST, .required = true,
		.help = "Who may pass it on: names of sinks, cli for the command line on this machine, and events for the "
		    "acknowledge of a handshake." },
	[REQUEST_RULE_ROLE] = { "role", KEY_LIST,
		.help = "Roles of which the user must have one: as the sink grants them; at the command line the user's "
		    "groups. Left out: any user of `from`." },
	[REQUEST_RULE_UNIT] = { "unit", KEY_UNIT,
		.help = "Unit that limits, step and change are meant in. It must be the tags' own; left out, it is." },
	[REQUEST_RULE_LIMITS] = { "limits", KEY_RANGE,
		.help = "Lowest and highest value, in the tag's unit. Left out: the tag's range." },
	[REQUEST_RULE_VALUES] = { "values", KEY_LIST,
		.help = "The only values allowed: numbers, names of the tag's enumeration, or texts." },
	[REQUEST_RULE_STEP] = { "step", KEY_REAL, .min = 0, .max = 1e300,
		.help = "Most that a value may differ from the present one, which must be good and fresh." },
	[REQUEST_RULE_CHANGE] = { "change", KEY_REAL, .min = 0, .max = 1e300,
		.help = "Most that the values of a tag may move in all, up and down, within change-per." },
	[REQUEST_RULE_CHANGE_PER] = { "change-per", KEY_DURATION, .min = S(1), .max = S(3600), .def = "1 min",
		.help = "See change." },
	[REQUEST_RULE_MIN_INTERVAL] = { "min-interval", KEY_DURATION, .min = MS(10), .max = D(1),
		.help = "Least time between two requests for one tag or method." },
	[REQUEST_RULE_PER_MINUTE] = { "per-minute", KEY_INT, .min = 1, .max = 60000, .def = "60",
		.help = "Most requests that this entry admits in any minute." },
	[REQUEST_RULE_INTERLOCK] = { "interlock", KEY_TEXT, .min = 1, .max = 4000,
		.help = "Expression over live tags that must be true when it is admitted. What is bad, stale or unknown "
		    "refuses." },
	[REQUEST_RULE_TTL] = { "ttl", KEY_DURATION, .min = MS(100), .max = S(600), .def = "10 s",
		.help = "Longest time to live: what has not left for the device by then never does." },
	[REQUEST_RULE_SECOND_PERSON] = { "second-person", KEY_BOOL, .def = "no",
		.help = "Must another person confirm it? The time to live runs meanwhile." },
	[REQUEST_RULE_READBACK] = { "readback", KEY_MAP, .help = "How the outcome of a write is judged. Left out: the tag is "
		    "read until it has the value, for 5 s." },
	[REQUEST_RULE_WHY] = { "why", KEY_TEXT, .min = 1, .max = 1024, .required = true,
		.help = "What it is for: the reason that something above may act on a machine." },
	[REQUEST_RULE_OWNER] = { "owner", KEY_TEXT, .min = 1, .max = 256, .required = true,
		.help = "Who answers for it." },
	[REQUEST_RULE_KEYS] = { 0 },
};
const struct key readback_keys[] = {
	[READBACK_TAG] = { "tag", KEY_TEXT, .min = 1, .max = 512,
		.help = "Tag of the same source to read instead of the written one, such as the drive's actual speed." },
	[READBACK_TOLERANCE] = { "tolerance", KEY_REAL, .min = 0, .max = 1e300, .def = "0",
		.help = "How far it may be from the value written, in the tag's unit." },
	[READBACK_WITHIN] = { "within", KEY_DURATION, .min = MS(100), .max = S(600), .def = "5 s",
		.help = "How long the value may take to show." },
	[READBACK_SKIP] = { "skip", KEY_BOOL, .def = "no",
		.help = "Do not read back (a command bit that the machine resets): the device's confirmation is believed." },
	[READBACK_KEYS] = { 0 },
};
const struct key event_keys[] = {
	[EVENT_KEY_TYPE] = { "type", KEY_ENUM, .choices = event_objects, .required = true,
		.help = "What it is, as an object of ISA-95; a mapping makes of it what a far end wants." },
	[EVENT_KEY_WHEN] = { "when", KEY_TEXT, .min = 1, .max = 4096,
		.help = "Expression: an event each time it becomes true. Names are relative to the equipment." },
	[EVENT_KEY_EVERY] = { "every", KEY_DURATION, .min = MS(100), .max = D(31),
		.help = "An event at each multiple of this time, counted from midnight UTC of 1970-01-01." },
	[EVENT_KEY_REQUEST] = { "request", KEY_TEXT, .min = 1, .max = 512,
		.help = "Handshake: tag that the machine raises when it has an event. Goes with acknowledge." },
	[EVENT_KEY_ACKNOWLEDGE] = { "acknowledge", KEY_TEXT, .min = 1, .max = 512,
		.help = "Handshake: writable tag that is set once the event is durable, and reset when the machine has lowered "
		    "its request. An entry of requests with from: [events] must admit it." },
	[EVENT_KEY_TIMEOUT] = { "timeout", KEY_DURATION, .min = MS(100), .max = S(3600), .def = "10 s",
		.help = "Handshake: after this a request that is not acknowledged yet, or an acknowledge that the machine does not "
		    "see, is told. Nothing is given up." },
	[EVENT_KEY_FIELDS] = { "fields", KEY_MAP, .required = true, .help = "What it says: name: { source and rules }." },
	[EVENT_KEY_KEY] = { "key", KEY_LIST,
		.help = "Fields that together make it one of a kind, and no for its own number. An event with the same key is a "
		    "repeat for everybody behind. Left out: no." },
	[EVENT_KEY_DESCRIPTION] = { "description", KEY_TEXT, .min = 0, .max = 1024, .help = "What it is, for people." },
	[EVENT_KEYS] = { 0 },
};
const struct key event_field_keys[] = {
	[FIELD_TAG] = { "tag", KEY_TEXT, .min = 1, .max = 512, .help = "Value of this tag when the event is made." },
	[FIELD_EXPR] = { "expr", KEY_TEXT, .min = 1, .max = 4096,
		.help = "Expression, worked out when the event is made; windows and counters see every sample." },
	[FIELD_COUNT] = { "count", KEY_TEXT, .min = 1, .max = 512,
		.help = "How far this counter has gone since the event before, over resets, roll-overs and restarts." },
	[FIELD_MODULO] = { "modulo", KEY_INT, .min = 2, .max = 9007199254740992.0,
		.help = "With count: how many values the counter has before it begins at 0 again (65536). Left out: it never "
		    "rolls over, a lower reading is a reset." },
	[FIELD_VALUE] = { "value", KEY_TEXT, .min = 0, .max = 512, .help = "Always this." },
	[FIELD_TYPE] = { "type", KEY_ENUM, .choices = event_types,
		.help = "Left out: what its source gives. An integer may be a text, which then has all its digits." },
	[FIELD_UNIT] = { "unit", KEY_UNIT, .help = "Unit of the number, converted from that of its source. Left out: that." },
	[FIELD_LENGTH] = { "length", KEY_INT, .min = 1, .max = EVENT_TEXT_MAX, .def = "256", .unit = "characters",
		.help = "Most that a text may have. A longer one is a fault, it is not cut." },
	[FIELD_REQUIRED] = { "required", KEY_BOOL, .def = "no",
		.help = "Is an event without a usable value, or with an empty text, a faulty one?" },
	[FIELD_RANGE] = { "range", KEY_RANGE, .help = "Lowest and highest value, in its unit." },
	[FIELD_ONE_OF] = { "one-of", KEY_LIST, .help = "The only values allowed." },
	[FIELD_DESCRIPTION] = { "description", KEY_TEXT, .min = 0, .max = 1024, .help = "What it is, for people." },
	[FIELD_KEYS] = { 0 },
};
const struct key column_keys[] = {
	[COLUMN_PATH] = { "path", KEY_TEXT, .min = 1, .max = 512, .help = "Whole path of the tag, equipment first." },
	[COLUMN_EQUIPMENT] = { "equipment", KEY_TEXT, .min = 1, .max = 512,
		.help = "Path of the equipment; goes with the column name." },
	[COLUMN_NAME] = { "name", KEY_TEXT, .min = 1, .max = 512, .help = "Name of the tag within its equipment." },
	[COLUMN_LOW] = { "range-low", KEY_REAL, .help = "Lowest value; goes with range-high." },
	[COLUMN_HIGH] = { "range-high", KEY_REAL, .help = "Highest value; goes with range-low." },
	[COLUMN_KEYS] = { 0 },
};

ROWS(site_keys, SITE_KEYS);
const struct key node_keys[] = {
	[NODE_ZONE] = { "zone", KEY_NAME, .required = true, .help = "Zone that the machine itself stands in." },
	[NODE_INTERFACES] = { "interfaces", KEY_LIST, .required = true,
		.help = "Its network interfaces: name, zone that it faces, address: \"eth0 line-3 10.3.1.2/24\"." },
	[NODE_OWNER] = { "owner", KEY_TEXT, .min = 1, .max = 256, .help = "Who keeps it running." },
	[NODE_WITHOUT] = { "without", KEY_CHOICES, .choices = service_kinds,
		.help = "Services that it does without, on purpose: without directory, its accounts are its own." },
	[NODE_DESCRIPTION] = { "description", KEY_TEXT, .min = 0, .max = 1024, .help = "What it is, for people." },
	[NODE_KEYS] = { 0 },
};
const struct key service_keys[] = {
	[SERVICE_KEY_KIND] = { "kind", KEY_ENUM, .choices = service_kinds, .required = true,
		.help = "What it is: time, names (DNS), directory (accounts of those who administer), patches, malware (signatures), backup, logs, upkeep (remote "
		    "maintenance)." },
	[SERVICE_KEY_ZONE] = { "zone", KEY_NAME, .required = true, .help = "Zone that its server stands in." },
	[SERVICE_KEY_ENDPOINT] = { "endpoint", KEY_TEXT, .min = 1, .max = 300, .required = true, 
		.help = "Address and port of the server: \"10.9.0.5:123\"; with session: server its address, and the port of the node that it comes to." },
	[SERVICE_KEY_TRANSPORT] = { "transport", KEY_ENUM, .choices = service_transports, .def = "tcp",
	    .help = "What it runs over." },
	[SERVICE_KEY_SESSION] = { "session", KEY_ENUM, .choices = service_sessions, .def = "node",
		.help = "Who opens the session: the node, or the server (a backup that fetches, an administrator who comes)." },
	[SERVICE_KEY_NODES] = { "nodes", KEY_LIST, .help = "Nodes that it serves. Left out: all of them." },
	[SERVICE_KEY_SHARED] = { "shared-with", KEY_LIST,
		.help = "Of a directory: other zones whose accounts it knows as well, by a trust between directories or because they are copied." },
	[SERVICE_KEY_OWNER] = { "owner", KEY_TEXT, .min = 1, .max = 256, .required = true, .help = "Who runs it." },
	[SERVICE_KEY_DESCRIPTION] = { "description", KEY_TEXT, .min = 0, .max = 1024, .help = "What it is for, for people." },
	[SERVICE_KEYS] = { 0 },
};
const struct key asset_keys[] = {
	[ASSET_MAKER] = { "maker", KEY_TEXT, .min = 1, .max = 128, .help = "Who made it." },
	[ASSET_MODEL] = { "model", KEY_TEXT, .min = 1, .max = 128, .help = "What the maker calls it." },
	[ASSET_SERIAL] = { "serial", KEY_TEXT, .min = 1, .max = 128, .help = "Serial number." },
	[ASSET_ROLES] = { "roles", KEY_LIST,
		.help = "Where it serves and when: \"2025-01-31.. Packaging/Line 3/Filler\", with a last day if it has left: "
		    "\"2024-02-01..2025-01-30 ...\"." },
	[ASSET_DESCRIPTION] = { "description", KEY_TEXT, .min = 0, .max = 1024, .help = "What it is, for people." },
	[ASSET_KEYS] = { 0 },
};
const struct key exception_keys[] = {
	[EXCEPTION_RULE] = { "rule", KEY_NAME, .required = true, .help = "Rule that does not hold here, such as Z3." },
	[EXCEPTION_WHERE] = { "where", KEY_TEXT, .min = 1, .max = 512, .required = true,
		.help = "What it does not hold for, as the finding names it: \"flow speeds\", \"zone line-3\"." },
	[EXCEPTION_REASON] = { "reason", KEY_TEXT, .min = 10, .max = 1024, .required = true,
	    .help = "Why, and what is done instead." },
	[EXCEPTION_OWNER] = { "owner", KEY_TEXT, .min = 1, .max = 256, .required = true, .help = "Who accepted the risk." },
	[EXCEPTION_EXPIRES] = { "expires", KEY_TEXT, .min = 10, .max = 10, .required = true,
		.help = "Last day on which it holds, as 2027-06-30. After it the finding is back." },
	[EXCEPTION_KEYS] = { 0 },
};

ROWS(security_keys, SECURITY_KEYS);
ROWS(node_keys, NODE_KEYS);
ROWS(service_keys, SERVICE_KEYS);
ROWS(asset_keys, ASSET_KEYS);
ROWS(exception_keys, EXCEPTION_KEYS);
ROWS(zone_keys, ZONE_KEYS);
ROWS(conduit_keys, CONDUIT_KEYS);
ROWS(source_keys, SOURCE_KEYS);
ROWS(sink_keys, SINK_KEYS);
ROWS(type_keys, TYPE_KEYS);
ROWS(equipment_keys, EQUIPMENT_KEYS);
ROWS(tag_keys, TAG_KEYS);
ROWS(flow_keys, FLOW_KEYS);
ROWS(how_keys, HOW_KEYS);
ROWS(request_keys, REQUEST_RULE_KEYS);
ROWS(readback_keys, READBACK_KEYS);
ROWS(event_keys, EVENT_KEYS);
ROWS(event_field_keys, FIELD_KEYS);
ROWS(column_keys, COLUMN_KEYS);

const struct section sections[] = {
	[SECTION_SITE] = { "site", "the site", SECTION_ONE, true, false, site_keys, "What the site is." },
	[SECTION_SECURITY] = { "security", "security", SECTION_ONE, false, false, security_keys,
		"What this machine must be able to enforce." },
	[SECTION_ZONES] = { "zones", "a zone", SECTION_NAMED, true, false, zone_keys,
		"Zones of IEC 62443-3-2, placed on Purdue levels." },
	[SECTION_CONDUITS] = { "conduits", "a conduit", SECTION_NAMED, false, false, conduit_keys,
		"The only ways by which data goes from one zone to another." },
	[SECTION_SOURCES] = { "sources", "a source", SECTION_NAMED, false, false, source_keys,
		"Connections to machines; each driver adds keys of its own." },
	[SECTION_SINKS] = { "sinks", "a sink", SECTION_NAMED, false, false, sink_keys,
		"Connections to IT systems; each kind adds keys of its own." },
	[SECTION_ENUMERATIONS] = { "enums", "an enumeration", SECTION_ENUMS, false, false, NULL,
		"Texts of numbers: { 0: closed, 1: open }, or [closed, open] counted from 0. packml-state is built "
		"in." },
	[SECTION_TYPES] = { "types", "a type", SECTION_NAMED, false, false, type_keys, "Kinds of equipment, so that "
	    "tags are written once." },
	[SECTION_EQUIPMENT] = { "equipment", "a piece of equipment", SECTION_NAMED, false, true, equipment_keys,
		"The equipment, by its path in the ISA-95 hierarchy below the site." },
	[SECTION_TABLES] = { "tables", "a table", SECTION_FILES, false, false, tag_keys,
		"CSV tables of tags whose rows say the whole path. Columns are the keys of a tag, and those of a "
		"table." },
	[SECTION_EVENTS] = { "events", "an event", SECTION_NAMED, false, true, event_keys,
		"Business records made of tags, by their path in the equipment hierarchy: \"Packaging/Line 3/Filler/confirmation\". "
		"A flow takes them by that path, like tags." },
	[SECTION_FLOWS] = { "flows", "a flow", SECTION_NAMED, false, false, flow_keys, "What crosses from level to "
	    "level." },
	[SECTION_REQUESTS] = { "requests", "an entry of requests", SECTION_NAMED, false, false, request_keys,
		"The way back: what somebody above may ask of a device. What is not admitted here is refused." },
	[SECTION_NODES] = { "nodes", "a node", SECTION_NAMED, false, false, node_keys,
		"Machines that run Penstock, and the zones that their interfaces face." },
	[SECTION_SERVICES] = { "services", "a service", SECTION_NAMED, false, false, service_keys,
		"What the nodes need to run that is no flow of tags: time, names, accounts, patches, backup, logs." },
	[SECTION_ASSETS] = { "assets", "an asset", SECTION_NAMED, false, false, asset_keys,
		"Physical assets, and the equipment whose role each of them fills, over time." },
	[SECTION_EXCEPTIONS] = { "exceptions", "an exception", SECTION_NAMED, false, false, exception_keys,
		"Where a rule of the architecture does not hold, why, who answers for it, and until when." },
	[SECTIONS] = { 0 },
};
ROWS(sections, SECTIONS);

const struct key *
section_below(const struct key *k)
{
	return k == &flow_keys[FLOW_HOW] ? how_keys : k == &request_keys[REQUEST_RULE_READBACK] ? readback_keys : NULL;
}

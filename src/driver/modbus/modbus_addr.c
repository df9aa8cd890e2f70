/* See modbus_addr.h. Words are taken off the text from left to right; each step knows one part of the grammar. */
#include "driver/modbus/modbus_addr.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/near.h"

struct parse {
	const char	*p;		/* unread text */
	const struct mb_addr_rules *rules;
	struct mb_addr	*a;
	bool		 has_bit, has_type, has_count, has_order;
	char		*why;
	size_t		 size;
};

static const struct { const char *name; enum mb_table table; } table_words[] = {
	{ "holding", MB_HOLDING }, { "input", MB_INPUT }, { "coil", MB_COIL }, { "discrete", MB_DISCRETE },
};

/* IEC 61131-3 style; the longer prefixes first. */
static const struct { const char *prefix; enum mb_table table; } iec[] = {
	{ "%MW", MB_HOLDING }, { "%IW", MB_INPUT }, { "%M", MB_COIL }, { "%I", MB_DISCRETE },
};

static const struct type_row { const char *name; enum mb_kind kind; uint8_t type; uint8_t regs; } types[] = {
	{ "uint16",  MB_K_U16,   VALUE_U16, 1 }, { "int16",   MB_K_I16,     VALUE_I16, 1 },
	{ "uint32",  MB_K_U32,   VALUE_U32, 2 }, { "int32",   MB_K_I32,     VALUE_I32, 2 },
	{ "uint64",  MB_K_U64,   VALUE_U64, 4 }, { "int64",   MB_K_I64,     VALUE_I64, 4 },
	{ "float32", MB_K_F32,   VALUE_F32, 2 }, { "float64", MB_K_F64,     VALUE_F64, 4 },
	{ "uint8",   MB_K_U8,    VALUE_U8,  1 }, { "int8",    MB_K_I8,      VALUE_I8,  1 },
	{ "bcd16",   MB_K_BCD16, VALUE_U16, 1 }, { "bcd32",   MB_K_BCD32,   VALUE_U32, 2 },
	{ "bool",    MB_K_REG_BIT, VALUE_BOOL, 1 }, { "string", MB_K_TEXT,  VALUE_TEXT, 1 },
};

static int __attribute__((format(printf, 3, 4)))
fault(struct parse *s, int err, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(s->why, s->size, fmt, ap);
	va_end(ap);
	return err;
}

static void
skip(struct parse *s)
{
	while (*s->p == ' ' || *s->p == '\t')
		s->p++;
}

static bool digit(char c) { return c >= '0' && c <= '9'; }
static bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* A word of letters, digits and '-'; its length, 0 if there is none. */
static size_t
word(struct parse *s, const char **at)
{
	skip(s);
	*at = s->p;
	if (!letter(*s->p))
		return 0;
	while (letter(*s->p) || digit(*s->p) || *s->p == '-')
		s->p++;
	return (size_t)(s->p - *at);
}

static bool
is(const char *at, size_t len, const char *name)
{
	return strlen(name) == len && strncasecmp(at, name, len) == 0;
}

/*
 * Digits, or 0x and hex digits when hex is not NULL; *len counts the digits as written. False: no number here, or a
 * huge one.
 */
static bool
number(struct parse *s, uint32_t *out, size_t *len, bool *hex)
{
	const char *p = s->p;
	uint32_t v = 0;

	if (hex != NULL && (*hex = p[0] == '0' && (p[1] == 'x' || p[1] == 'X')))
		p += 2;
	const char *first = p;
	for (; digit(*p) || (hex != NULL && *hex && letter(*p)); p++) {
		uint32_t d = digit(*p) ? (uint32_t)(*p - '0') : (uint32_t)((*p | 0x20) - 'a' + 10);
		if (d > 15 || v > 10000000)
			return false;
		v = v * (hex != NULL && *hex ? 16 : 10) + d;
	}
	*out = v;
	if (len != NULL)
		*len = (size_t)(p - first);
	s->p = p;
	return p != first;
}

/* "40101", "400101": the table's digit, then a number from 1. */
static int
place_digits(struct parse *s, uint32_t v, size_t len)
{
	static const int table_of[10] = { MB_COIL, MB_DISCRETE, -1, MB_INPUT, MB_HOLDING, -1, -1, -1, -1, -1 };
	uint32_t unit = len == 5 ? 10000 : 100000, lead = v / unit, reg1 = v % unit;

	if (len != 5 && len != 6)
		return fault(s, ERR_SYNTAX,
		    "the number %u has neither 5 nor 6 digits: say the table, as in \"holding %u\", or write "
		    "the manual's form, as in 40101",
		    v, v);
	if (table_of[lead] < 0)
		return fault(s, ERR_SYNTAX,
		    "no table begins with %u: 0 is coils, 1 discrete inputs, 3 input registers, 4 holding "
		    "registers; or say the table, as in \"holding %u\"",
		    lead, v);
	if (reg1 < 1 || reg1 > 65536)
		return fault(s, ERR_RANGE,
		    "%u counts from 1 after its table digit, up to %u%s: give a number in that range", reg1,
		    len == 5 ? 9999u : 65536u, len == 5 ? " (65536 with 6 digits)" : "");
	s->a->table = (uint8_t)table_of[lead];
	s->a->reg0 = (uint16_t)(reg1 - 1);
	return 0;
}

/* A number behind a table's name or an IEC prefix; base is what it counts from. */
static int
place_number(struct parse *s, int base)
{
	uint32_t v;
	bool hex;
	const char *name = mb_table_name(s->a->table);

	skip(s);
	if (!number(s, &v, NULL, base >= 0 ? &hex : NULL))
		return fault(s, ERR_SYNTAX,
		    "a number is missing behind \"%s\": write it as in \"%s 100\" or \"%s 0x64\"", name, name, name);
	uint32_t first = base > 0 && !hex ? (uint32_t)base : 0;
	if (v < first || v - first > 65535)
		return fault(s, ERR_RANGE, "%s %u is out of range: with address-base %u they count from %u to %u", name,
		    v, first, first, 65535 + first);
	s->a->reg0 = (uint16_t)(v - first);
	return 0;
}

static int
place(struct parse *s)
{
	uint32_t v;
	size_t len;
	bool hex;

	skip(s);
	for (size_t i = 0; i < sizeof iec / sizeof iec[0]; i++)
		if (strncasecmp(s->p, iec[i].prefix, strlen(iec[i].prefix)) == 0) {
			s->p += strlen(iec[i].prefix);
			s->a->table = (uint8_t)iec[i].table;
			return place_number(s, -1);
		}
	if (digit(*s->p)) {
		if (!number(s, &v, &len, &hex) || (hex && v > 65535))
			return fault(s, ERR_RANGE,
			    "\"%.20s\" is no address: registers and bits count from 0 to 65535 (0xFFFF)", s->p);
		if (!hex)
			return place_digits(s, v, len);
		s->a->table = MB_HOLDING;
		s->a->reg0 = (uint16_t)v;
		return 0;
	}
	const char *at;
	size_t n = word(s, &at);
	char name[24];
	snprintf(name, sizeof name, "%.*s", n < sizeof name ? (int)n : 23, at);
	struct near near = { .word = name };
	for (size_t i = 0; i < sizeof table_words / sizeof table_words[0]; i++) {
		if (is(at, n, table_words[i].name)) {
			s->a->table = (uint8_t)table_words[i].table;
			return place_number(s, s->rules->base);
		}
		near_try(&near, table_words[i].name);
	}
	return fault(s, ERR_SYNTAX,
	    "\"%s\" is no table%s%s%s: begin with holding, input, coil or discrete and a number, with a "
	    "number as in 40101, or with %%MW100",
	    *s->p == '\0' && n == 0 ? "" : n == 0 ? s->p : name,
	    near.best ? ", did you mean \"" : "", near.best ? near.best : "", near.best ? "\"" : "");
}

static int
bit_of(struct parse *s)
{
	uint32_t v;

	if (*s->p != '.' && *s->p != ':')
		return 0;
	s->p++;
	if (!number(s, &v, NULL, NULL))
		return fault(s, ERR_SYNTAX,
		    "a bit number is missing behind the point: write it as in \"holding 100.3\"");
	if (mb_table_bits(s->a->table))
		return fault(s, ERR_TYPE, "a %s is one bit already: leave out \".%u\"", mb_table_name(s->a->table), v);
	if (v > 15)
		return fault(s, ERR_RANGE,
		    "bit %u is out of range: the bits of a register count from 0 (least significant) to 15", v);
	s->a->bit = (uint8_t)v;
	s->has_bit = true;
	return 0;
}

static int
array_of(struct parse *s)
{
	uint32_t v;

	skip(s);
	if (*s->p != '[')
		return 0;
	s->p++;
	if (!number(s, &v, NULL, NULL) || *s->p != ']' || v == 0)
		return fault(s, ERR_SYNTAX, "the count of an array is written as in \"float32[10]\", at least 1");
	s->p++;
	if (v > MB_READ_BITS_MAX)
		return fault(s, ERR_LIMIT, "an array of %u does not fit one request: split it into several tags", v);
	s->a->count = (uint16_t)v;
	s->has_count = true;
	return 0;
}

/* "string 16", "string 16 chars", "string 8 registers". */
static int
text_len(struct parse *s)
{
	uint32_t v;
	const char *at;

	skip(s);
	if (!number(s, &v, NULL, NULL) || v == 0 || v > 2 * MB_READ_REGS_MAX)
		return fault(s, ERR_SYNTAX,
		    "a string needs its length, 1 to 250: write \"string 16 chars\" or \"string 8 registers\"");
	const char *back = s->p;
	size_t n = word(s, &at);
	if (is(at, n, "registers") || is(at, n, "register") || is(at, n, "regs"))
		v *= 2;
	else if (!is(at, n, "chars") && !is(at, n, "char") && !is(at, n, "characters"))
		s->p = back;
	s->a->count = (uint16_t)v;
	return 0;
}

static int
type_of(struct parse *s)
{
	const char *back = s->p, *at;
	size_t n = word(s, &at);

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (is(at, n, types[i].name)) {
			s->a->kind = (uint8_t)types[i].kind;
			s->a->type = types[i].type;
			s->has_type = true;
			return s->a->kind == MB_K_TEXT ? text_len(s) : array_of(s);
		}
	s->p = back;
	return array_of(s);
}

static const struct option { const char *name; uint8_t field, value; } options[] = {
	{ "abcd", 'o', MB_ABCD },
	{ "cdab", 'o', MB_CDAB },
	{ "badc", 'o', MB_BADC },
	{ "dcba", 'o', MB_DCBA },
	{ "low-byte", 'b', 0 },
	{ "high-byte", 'b', 1 },
	{ "low-first", 'f', 1 },
	{ "high-first", 'f', 0 },
	{ "sunspec", 's', 1 },
};

static int
unknown_word(struct parse *s, const char *at, size_t n)
{
	char name[24];

	snprintf(name, sizeof name, "%.*s", n > 0 && n < sizeof name ? (int)n : 23, at);
	struct near near = { .word = name };
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		near_try(&near, types[i].name);
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
		near_try(&near, options[i].name);
	if (near.best != NULL)
		return fault(s, ERR_SYNTAX, "\"%s\" is neither a type nor an option: did you mean \"%s\"?", name,
		    near.best);
	return fault(s, ERR_SYNTAX,
	    "\"%s\" is neither a type (uint16, int32, float32, bool, string 16 chars, ...) nor an option (cdab, "
	    "low-byte, low-first, sunspec, ...)",
	    name);
}

static int
options_of(struct parse *s)
{
	/* Ends: each turn takes at least one byte or returns. */
	for (;;) {
		const char *at;
		size_t n = word(s, &at), i = 0;
		if (n == 0 && *s->p == '\0')
			return 0;
		while (i < sizeof options / sizeof options[0] && !is(at, n, options[i].name))
			i++;
		if (n == 0 || i == sizeof options / sizeof options[0])
			return unknown_word(s, at, n);
		switch (options[i].field) {
		case 'o':
			s->a->order = options[i].value;
			s->has_order = true;
			break;
		case 'b':
			if ((s->a->kind != MB_K_U8 && s->a->kind != MB_K_I8) || s->has_count)
				return fault(
				    s, ERR_TYPE, "\"%s\" is for a single uint8 or int8: leave it out", options[i].name);
			s->a->high_byte = options[i].value != 0;
			break;
		case 'f':	s->a->low_first = options[i].value != 0; break;
		default:	s->a->sunspec = true; break;
		}
	}
}

static unsigned
regs_of(enum mb_kind k)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (types[i].kind == k)
			return types[i].regs;
	return 1;
}

static unsigned
span_of(const struct mb_addr *a)
{
	unsigned n = a->count != 0 ? a->count : 1;

	switch (a->kind) {
	case MB_K_BIT:		return n;
	case MB_K_REG_BIT:	return (a->bit + n + 15) / 16;
	case MB_K_U8: case MB_K_I8: case MB_K_TEXT:
				return (n + 1) / 2;
	default:		return n * regs_of(a->kind);
	}
}

/* What only shows once all parts are known: type against table, end of the table, size of a request. */
static int
judge(struct parse *s)
{
	struct mb_addr *a = s->a;
	const char *name = mb_table_name(a->table);

	if (mb_table_bits(a->table)) {
		if (s->has_type && a->kind != MB_K_REG_BIT)
			return fault(s, ERR_TYPE,
			    "a %s holds one bit, not a number: leave out the type, or did you mean %s %u?", name,
			    a->table == MB_COIL ? "holding" : "input", a->reg0);
		a->kind = MB_K_BIT;
		a->type = VALUE_BOOL;
	} else if (s->has_bit) {
		if (s->has_type && a->kind != MB_K_REG_BIT)
			return fault(s, ERR_TYPE, "bit %u of a register is a bool: leave out the type, or the \".%u\"",
			    a->bit, a->bit);
		a->kind = MB_K_REG_BIT;
		a->type = VALUE_BOOL;
	} else if (a->kind == MB_K_REG_BIT && !s->has_count)
		return fault(
		    s, ERR_TYPE, "which bit of register %u? Write it as in \"%s %u.0 bool\"", a->reg0, name, a->reg0);
	/*
	 * A source's order is about values of several registers; a single register is only swapped where its tag says
	 * so.
	 */
	if (!s->has_order && (mb_table_bits(a->table) || regs_of(a->kind) == 1))
		a->order = MB_ABCD;
	unsigned span = span_of(a), max = mb_table_bits(a->table) ? s->rules->bits_max : s->rules->regs_max;
	if (a->reg0 + span > 65536)
		return fault(s, ERR_RANGE,
		    "the value takes %u %s from %u on and so ends past 65535, the last one: check the address", span,
		    mb_table_bits(a->table) ? "bits" : "registers", a->reg0);
	if (span > max)
		return fault(s, ERR_LIMIT,
		    "the value takes %u %s and one request of this source reads at most %u: shorten it, or raise %s "
		    "if the device allows",
		    span, mb_table_bits(a->table) ? "bits" : "registers", max,
		    mb_table_bits(a->table) ? "bit-block-limit" : "block-limit");
	a->span = (uint16_t)span;
	return 0;
}

int
mb_addr_parse(const char *at, const struct mb_addr_rules *rules, struct mb_addr *out, char *why, size_t size)
{
	*out = (struct mb_addr){ .kind = MB_K_U16, .type = VALUE_U16, .order = rules->order,
	    .low_first = rules->low_first,
	    .sunspec = rules->sunspec };
	struct parse s = { .p = at, .rules = rules, .a = out, .why = why, .size = size };
	int err;

	if (size > 0)
		why[0] = '\0';
	if ((err = place(&s)) == 0 && (err = bit_of(&s)) == 0 && (err = type_of(&s)) == 0 &&
	    (err = options_of(&s)) == 0)
		err = judge(&s);
	return err;
}

uint8_t
mb_addr_type(const struct mb_addr *a)
{
	return a->count != 0 && a->kind != MB_K_TEXT ? a->type | VALUE_ARRAY : a->type;
}

/*
 * Every key of the site file is declared once, as a row, next to the code that uses it. The parser, `penstock
 * keys`, the JSON Schema and the web form all come from these rows. A module's keys are an array that ends with a
 * row without a name; an enum beside it names the indexes, and the parsed values come in an array of the same
 * order.
 */
#ifndef SITE_KEY_H
#define SITE_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum key_type {
	KEY_BOOL,	/* yes or no (also true/false) */
	KEY_INT,	/* whole number within [min, max] -> i */
	KEY_REAL,	/* number within [min, max] -> f */
	KEY_TEXT,	/* any text, min..max bytes -> s */
	KEY_NAME,	/* letters, digits, '-', '_', '.'; starts with a letter or digit -> s */
	KEY_ENUM,	/* one of `choices` -> i, its index */
	KEY_DURATION,	/* "100 ms", "10s", "1.5 min", "2 h", "30 d" -> i, ns; min and max in ns. "0" and the words in
			 * `choices` (NULL: none) are 0 and pass the limits; "0" does not where `why` stands */
	KEY_SIZE,	/* "64 KiB", "10 GiB", "500 MB" -> i, bytes */
	KEY_RATIO,	/* "0.5 %" or a number -> f, as a fraction (0.005) */
	KEY_ENDPOINT,	/* "host:port", "[v6]:port", "host" (port from the module's default), or a device path -> s, checked */
	KEY_PATH,	/* a path of the file system, relative to the site file's folder -> s */
	KEY_SECRET,	/* path of a file that holds a secret; never the secret itself -> s */
	KEY_LIST,	/* list of texts (a single text is a list of one) -> list */
	KEY_CHOICES,	/* list of some of `choices` (at most 63) -> i, a set of bits by index */
	KEY_RANGE,	/* [low, high], or "low..high" in a table -> f, g */
	KEY_DEADBAND,	/* "0.5", "0.5 %" (of the value), "0.5 % of range", "any" -> f (a fraction if per cent), i: enum change_kind */
	KEY_UNIT,	/* UCUM unit -> s, checked */
	KEY_MAP,	/* a map with keys of its own, which the section's code reads; only set and the place are filled */
	KEY_TYPES
};

struct key {
	const char		*name;		/* as written in the file; NULL ends the array */
	enum key_type		 type;
	double			 min, max;	/* both 0: no limits besides the type's own */
	const char		*unit;		/* UCUM unit of a number, for the reference; NULL if none */
	const char		*def;		/* default as it would be written; NULL: none (value unset) */
	const char *const	*choices;	/* KEY_ENUM: NULL-ended */
	bool			 required;
	const char		*writes_below;	/* KEY_PATH: the process keeps files of its own in this folder below the path; NULL: it reads the path */
	const char		*help;		/* one or two sentences for the person who writes the file */
	const char		*why;		/* why the limits are what they are, said to who goes beyond them; NULL: that is plain */
};

struct keyval {
	bool	set;		/* written or defaulted; all else is zero when not */
	bool	written;	/* stands in the file */
	int	line, column;	/* where, if written */
	bool	b;
	int64_t	i;
	double	f, g;
	const char		*s;
	const char *const	*list;
	size_t			 n;
};

static inline size_t
key_count(const struct key *keys)
{
	size_t n = 0;
	while (keys != NULL && keys[n].name != NULL)
		n++;
	return n;
}

#endif

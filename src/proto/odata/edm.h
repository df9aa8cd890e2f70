/*
 * The types of OData ("Edm"), versions 2 and 4, and one value of them. A value is independent of how either version
 * writes it: value.h has the JSON forms, url.h those of an address.
 *
 *	String		text			Boolean		b
 *	Byte .. Int64	i			Single, Double	f
 *	Decimal		text: digits, maybe '-' before and a point between; no exponent, no idle zeros
 *	Guid		text: 36 characters, small letters
 *	Binary		text: base64
 *	DateTime	i: seconds since 1970 without any zone, ns		(version 2; what people call date-only is midnight)
 *	DateTimeOffset	i: seconds since 1970 UTC, ns
 *	Date		i: days since 1970					(version 4)
 *	Time, TimeOfDay, Duration	i: seconds, ns			(Time: version 2; the others version 4)
 *
 * Dates run from year 1 to 9999; what stands for "for ever", 9999-12-31, is an ordinary one.
 */
#ifndef PROTO_ODATA_EDM_H
#define PROTO_ODATA_EDM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EDM_LIST(X)					\
	X(STRING,         "String")			\
	X(BOOLEAN,        "Boolean")			\
	X(BYTE,           "Byte")			\
	X(SBYTE,          "SByte")			\
	X(INT16,          "Int16")			\
	X(INT32,          "Int32")			\
	X(INT64,          "Int64")			\
	X(SINGLE,         "Single")			\
	X(DOUBLE,         "Double")			\
	X(DECIMAL,        "Decimal")			\
	X(GUID,           "Guid")			\
	X(BINARY,         "Binary")			\
	X(DATETIME,       "DateTime")			\
	X(DATETIMEOFFSET, "DateTimeOffset")		\
	X(TIME,           "Time")			\
	X(DATE,           "Date")			\
	X(TIMEOFDAY,      "TimeOfDay")			\
	X(DURATION,       "Duration")			\
	X(STREAM,         "Stream")

enum edm_type {
	EDM_NONE,		/* not a primitive type: complex, an enumeration, or one that we do not know */
#define X(id, name) EDM_##id,
	EDM_LIST(X)
#undef X
	EDM_TYPES
};

/* "String" of EDM_STRING, "?" of EDM_NONE. Static. */
const char *edm_name(enum edm_type t);
/* Of a name with or without "Edm." before it; EDM_NONE: none such. */
enum edm_type edm_of_name(const char *name, size_t len);

/* What narrows a type. Zeros: nothing does. */
struct edm_facets {
	uint32_t	max_length;	/* of String in characters, of Binary in bytes; 0: not stated */
	uint32_t	precision;	/* of Decimal: digits in all; 0: not stated */
	int32_t		scale;		/* of Decimal: digits behind the point, at most; EDM_SCALE_ANY: as many as there are */
};
#define EDM_SCALE_ANY	(-1)

struct edm_value {
	enum edm_type	 type;
	bool		 null;
	bool		 b;
	int64_t		 i;
	int32_t		 ns;		/* 0..999,999,999 */
	double		 f;
	const char	*text;		/* borrowed, or of the arena of who made it; len bytes of UTF-8, not always NUL-ended */
	size_t		 len;
};

#endif

/* See status.h. */
#include "model/status.h"

#include <stddef.h>

static const struct row {
	uint32_t	 code;
	const char	*name, *text;
} rows[] = {
#define X(name, code, text) { code, #name, text },
	STATUS_LIST(X)
#undef X
};

static const struct row *
find(uint32_t status)
{
	static const uint32_t of_class[] = { 0x00000000, 0x40000000, 0x80000000, 0x80000000 };
	const struct row *class_row = &rows[0];

	/* The lower half holds info bits that do not change the name, OPC 10000-4 7.39.1. */
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (rows[i].code == (status & 0xffff0000))
			return &rows[i];
		if (rows[i].code == of_class[status >> 30])
			class_row = &rows[i];
	}
	return class_row;
}

const char *
status_name(uint32_t status)
{
	return find(status)->name;
}

const char *
status_text(uint32_t status)
{
	return find(status)->text;
}

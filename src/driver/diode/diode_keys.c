/* Keys of a source of driver diode. */
#include "driver/diode/diode_int.h"

const struct key diode_keys[] = {
	[DD_KEY_KEY] = { "key", KEY_SECRET, .required = true,
	    .help = "File of the keys that both ends have: a line is an epoch and 64 hex digits. Make it with echo 1 $(openssl rand -hex 32), chmod 600." },
	[DD_KEY_DATA] = { "data-symbols", KEY_INT, .min = 1, .max = DIODE_K_MAX, .def = "32", .help = "Most data symbols of a block. The same at both ends." },
	[DD_KEY_REPAIR] = { "repair-symbols", KEY_INT, .min = 1, .max = DIODE_P_MAX, .def = "8",
	    .help = "Repair symbols of a block: so many of its datagrams may be lost. The same at both ends." },
	[DD_KEY_INTERLEAVE] = { "interleave", KEY_INT, .min = 1, .max = DIODE_DEPTH_MAX, .def = "4",
	    .help = "Blocks whose datagrams are sent in turn, so that a burst of losses is shared by them. The same at both ends." },
	[DD_KEY_DATAGRAM] = { "datagram", KEY_INT, .min = DIODE_DATAGRAM_MIN, .max = DIODE_DATAGRAM_MAX, .unit = "By", .def = "1408",
	    .help = "Bytes of a datagram at most, without the headers of IP and UDP. The same at both ends." },
	[DD_KEY_BUFFER] = { "buffer", KEY_SIZE, .min = 65536, .max = 1 << 30, .def = "32 MiB",
	    .help = "Buffer of the socket that is asked for; the kernel cuts it at net.core.rmem_max." },
	[DD_KEY_MEMORY] = { "memory", KEY_SIZE, .min = 4 << 20, .max = 1 << 30, .def = "64 MiB",
	    .help = "Memory for blocks that are not whole yet. What has no room is dropped and counted." },
	[DD_KEY_HOLD] = { "hold", KEY_DURATION, .min = 10e6, .max = 60e9, .def = "1 s",
	    .help = "How long a block that is not whole is waited for before it is declared lost." },
	[DD_KEYS] = { 0 },
};

struct diode_params
diode_params_of(const struct source *s)
{
	return (struct diode_params){ .k = (uint8_t)s->keys[DD_KEY_DATA].i, .p = (uint8_t)s->keys[DD_KEY_REPAIR].i,
	    .depth = (uint8_t)s->keys[DD_KEY_INTERLEAVE].i, .size = (uint16_t)(s->keys[DD_KEY_DATAGRAM].i - (int64_t)DIODE_OVER) };
}

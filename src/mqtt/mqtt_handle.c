/* A handle of libmosquitto for one connection: client id, session, log-on, will, TLS. In the helper thread. */
#include <errno.h>
#include <fcntl.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "mqtt/mqtt_link_int.h"

#define PASSWORD_MAX	4096
#define CAPATH		"/etc/ssl/certs"

/* The first line of the password file; the caller wipes it. */
static int
read_password(const char *path, char *out, size_t size)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);
	int err = n < 0 ? err_from_errno(errno) : 0;

	if (fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & S_IROTH) != 0)
		log_warn("mqtt_password_readable", "file=\"%s\" remedy=\"chmod o-r: everybody on this machine can read the password\"", path);
	if (fd >= 0)
		close(fd);
	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\r\n")] = '\0';
	return err;
}

static int
set_login(struct mqtt_link *l)
{
	char password[PASSWORD_MAX] = "";

	if (l->o.password_file != NULL && read_password(l->o.password_file, password, sizeof password) != 0) {
		snprintf(l->detail, sizeof l->detail, "the password file %s cannot be read: %s", l->o.password_file, strerror(errno));
		return MOSQ_ERR_AUTH;
	}
	int rc = l->o.user == NULL ? 0 : mosquitto_username_pw_set(l->m, l->o.user, l->o.password_file != NULL ? password : NULL);
	explicit_bzero(password, sizeof password);
	return rc;
}

/* Certificate and server name are always verified; TLS 1.2 and up. */
static int
set_tls(struct mqtt_link *l)
{
	int rc = mosquitto_tls_set(l->m, l->o.ca_file, l->o.ca_file != NULL ? NULL : CAPATH, l->o.cert_file, l->o.key_file, NULL);
	if (rc == 0)
		rc = mosquitto_tls_opts_set(l->m, 1, "tlsv1.2", NULL);
	if (rc == 0)
		rc = mosquitto_tls_insecure_set(l->m, false);
	if (rc != 0 && l->detail[0] == '\0')
		snprintf(l->detail, sizeof l->detail, "a TLS file cannot be used (ca-file, cert-file, key-file): %s", mosquitto_strerror(rc));
	return rc;
}

int
mqtt_handle_make(struct mqtt_link *l)
{
	l->m = mosquitto_new(l->o.client_id, l->o.hold == 0, l);
	if (l->m == NULL) {
		snprintf(l->detail, sizeof l->detail, "client id \"%s\" is not valid UTF-8, or memory ran out", l->o.client_id);
		return MOSQ_ERR_INVAL;
	}
	mosquitto_int_option(l->m, MOSQ_OPT_PROTOCOL_VERSION, l->o.v5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
	mosquitto_int_option(l->m, MOSQ_OPT_TCP_NODELAY, 1);
	/* Then the library queues what it has to send until loop_write() is called; else it would acknowledge at once. */
	if (l->o.hold > 0) {
		mosquitto_threaded_set(l->m, true);
		mosquitto_int_option(l->m, MOSQ_OPT_RECEIVE_MAXIMUM, l->o.hold);
	}
	mosquitto_max_inflight_messages_set(l->m, l->o.window);
	int rc = set_login(l);
	if (rc == 0 && l->will.set)
		rc = mosquitto_will_set(l->m, l->will.topic, (int)l->will.len, l->will.payload, l->will.qos, l->will.retain);
	if (rc == 0 && l->o.tls)
		rc = set_tls(l);
	return rc;
}

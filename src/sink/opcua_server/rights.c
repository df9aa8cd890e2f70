/* What a session may do: read everything but what is about sessions, write what a request entry admits if its user operates, change nothing. See uas.h. */
#include "sink/opcua_server/uas.h"

static UA_UInt32
rights(UA_Server *server, UA_AccessControl *ac, const UA_NodeId *id, void *session, const UA_NodeId *node, void *context)
{
	(void)server, (void)ac, (void)id, (void)session, (void)node, (void)context;
	return 0;	/* no attribute but Value is ever written by a client */
}

/*
 * Who is logged in from where, under which names before, with which certificates: for a security administrator alone (OPC 10000-5 1.05, 6.3.3 and 6.3.5),
 * and there is no such role here. Namespace 1 holds the sessions' own objects and nothing else.
 */
static bool
is_about_sessions(const UA_NodeId *n)
{
	if (n->namespaceIndex == 1)
		return true;
	return n->namespaceIndex == 0 && n->identifierType == UA_NODEIDTYPE_NUMERIC &&
	    (n->identifier.numeric == UA_NS0ID_SERVER_SERVERDIAGNOSTICS_SESSIONSDIAGNOSTICSSUMMARY_SESSIONDIAGNOSTICSARRAY ||
	    n->identifier.numeric == UA_NS0ID_SERVER_SERVERDIAGNOSTICS_SESSIONSDIAGNOSTICSSUMMARY_SESSIONSECURITYDIAGNOSTICSARRAY ||
	    n->identifier.numeric == UA_NS0ID_SERVER_SERVERDIAGNOSTICS_SUBSCRIPTIONDIAGNOSTICSARRAY);
}

static UA_Byte
access_level(UA_Server *server, UA_AccessControl *ac, const UA_NodeId *id, void *session, const UA_NodeId *node, void *context)
{
	const struct uas_server *s = UA_Server_getConfig(server)->context;
	const struct uas_user *user = uas_access_user(session);
	struct uas_var *v = node->namespaceIndex == s->space.ns ? uas_context_var(context) : NULL;
	UA_Byte may = UA_ACCESSLEVELMASK_READ | UA_ACCESSLEVELMASK_HISTORYREAD;
	(void)ac, (void)id;

	if (is_about_sessions(node))
		return 0;
	if (v == NULL || !v->writable || user == NULL || user->role < UAS_ROLE_OPERATE)
		return may;
	/* Should this be a Write, what is written goes the way of requests and not into the value. */
	if (!s->space.applying)
		uas_node_divert(v, uas_ask_source());
	return may | UA_ACCESSLEVELMASK_WRITE;
}

static UA_Boolean
standard_method(UA_Server *server, UA_AccessControl *ac, const UA_NodeId *id, void *session, const UA_NodeId *method, void *context)
{
	(void)server, (void)ac, (void)id, (void)session, (void)context;
	return method->namespaceIndex == 0;	/* GetMonitoredItems, ResendData */
}

static UA_Boolean
standard_method_on(UA_Server *server, UA_AccessControl *ac, const UA_NodeId *id, void *session, const UA_NodeId *method, void *context,
    const UA_NodeId *object, void *object_context)
{
	(void)object, (void)object_context;
	return standard_method(server, ac, id, session, method, context);
}

static UA_Boolean
no_node(UA_Server *s, UA_AccessControl *ac, const UA_NodeId *id, void *session, const UA_AddNodesItem *i)
{
	(void)s, (void)ac, (void)id, (void)session, (void)i;
	return false;
}

static UA_Boolean
no_reference(UA_Server *s, UA_AccessControl *ac, const UA_NodeId *id, void *session, const UA_AddReferencesItem *i)
{
	(void)s, (void)ac, (void)id, (void)session, (void)i;
	return false;
}

static UA_Boolean
no_deletion(UA_Server *s, UA_AccessControl *ac, const UA_NodeId *id, void *session, const UA_DeleteNodesItem *i)
{
	(void)s, (void)ac, (void)id, (void)session, (void)i;
	return false;
}

static UA_Boolean
no_deletion_of_reference(UA_Server *s, UA_AccessControl *ac, const UA_NodeId *id, void *session, const UA_DeleteReferencesItem *i)
{
	(void)s, (void)ac, (void)id, (void)session, (void)i;
	return false;
}

static UA_Boolean
browse(UA_Server *s, UA_AccessControl *ac, const UA_NodeId *id, void *session, const UA_NodeId *node, void *context)
{
	(void)s, (void)ac, (void)id, (void)session, (void)node, (void)context;
	return true;
}

static UA_Boolean
no_history_update(UA_Server *s, UA_AccessControl *ac, const UA_NodeId *id, void *session, const UA_NodeId *node, UA_PerformUpdateType how,
    const UA_DataValue *v)
{
	(void)s, (void)ac, (void)id, (void)session, (void)node, (void)how, (void)v;
	return false;
}

static UA_Boolean
no_history_deletion(UA_Server *s, UA_AccessControl *ac, const UA_NodeId *id, void *session, const UA_NodeId *node, UA_DateTime from, UA_DateTime to,
    bool modified)
{
	(void)s, (void)ac, (void)id, (void)session, (void)node, (void)from, (void)to, (void)modified;
	return false;
}

void
uas_rights_install(UA_AccessControl *ac)
{
	ac->getUserRightsMask = rights;
	ac->getUserAccessLevel = access_level;
	ac->getUserExecutable = standard_method;
	ac->getUserExecutableOnObject = standard_method_on;
	ac->allowAddNode = no_node;
	ac->allowAddReference = no_reference;
	ac->allowDeleteNode = no_deletion;
	ac->allowDeleteReference = no_deletion_of_reference;
	ac->allowBrowseNode = browse;
	ac->allowHistoryUpdateUpdateData = no_history_update;
	ac->allowHistoryUpdateDeleteRawModified = no_history_deletion;
}

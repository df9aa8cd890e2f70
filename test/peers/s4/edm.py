"""The entity model of a service, read from its $metadata of OData V2 or V4."""
import re
import xml.etree.ElementTree as ET

SAP = "{http://www.sap.com/Protocols/SAPData}"
M = "{http://schemas.microsoft.com/ado/2007/08/dataservices/metadata}"


def _local(tag):
    return tag.rpartition("}")[2]


def _all(node, name):
    return [child for child in node if _local(child.tag) == name]


class Property:
    """One property: its Edm type and its facets, as the metadata has them."""

    def __init__(self, node, computed=False):
        a = node.attrib
        self.name, self.type = a["Name"], a["Type"]
        length = a.get("MaxLength", "")
        self.max_length = int(length) if length.isdigit() else None
        self.precision = int(a["Precision"]) if a.get("Precision", "").isdigit() else None
        self.scale = int(a["Scale"]) if a.get("Scale", "").isdigit() else None
        self.nullable = a.get("Nullable", "true") == "true"
        self.creatable = not computed and a.get(SAP + "creatable", "true") == "true"
        self.updatable = not computed and a.get(SAP + "updatable", "true") == "true"
        self.filterable = a.get(SAP + "filterable", "true") == "true"
        # Date-only properties of V2 are Edm.DateTime with this hint.
        self.date_only = a.get(SAP + "display-format") == "Date"


class Navigation:
    def __init__(self, name, type_name, many):
        self.name, self.type_name, self.many = name, type_name, many
        self.target = None                      # name of the entity set, known once all sets are


class EntityType:
    def __init__(self, name):
        self.name, self.keys, self.properties, self.navigations = name, [], {}, {}


class EntitySet:
    def __init__(self, name, kind, node):
        a = node.attrib
        self.name, self.kind = name, kind
        self.creatable = a.get(SAP + "creatable", "true") == "true"
        self.updatable = a.get(SAP + "updatable", "true") == "true"
        self.deletable = a.get(SAP + "deletable", "true") == "true"


class Function:
    """A function import of V2."""

    def __init__(self, node):
        self.name = node.attrib["Name"]
        self.method = node.attrib.get(M + "HttpMethod", "GET")
        self.set = node.attrib.get("EntitySet")          # else found by the type that it returns
        self.returns = node.attrib.get("ReturnType", "").removesuffix(")").rpartition(".")[2]
        self.parameters = {p.attrib["Name"]: Property(p) for p in _all(node, "Parameter")}


class Model:
    """A service: .version 2 or 4, .sets, .types, .functions, .text (the XML itself)."""

    def __init__(self, name, text):
        self.name, self.text = name, text
        root = ET.fromstring(text)
        self.version = 4 if root.attrib.get("Version", "1.0").startswith("4") else 2
        self.types, self.sets, self.functions = {}, {}, {}
        self._ends, self._bindings = {}, {}
        schemas = [node for node in root.iter() if _local(node.tag) == "Schema"]
        for schema in schemas:
            for node in _all(schema, "Association"):
                self._ends[node.attrib["Name"]] = {e.attrib["Role"]: (e.attrib["Type"], e.attrib.get("Multiplicity", "1"))
                                                   for e in _all(node, "End")}
        for schema in schemas:
            computed = self._computed(schema)
            for node in _all(schema, "EntityType") + _all(schema, "ComplexType"):
                kind = self._entity_type(node, computed)
                self.types[kind.name] = kind
        for schema in schemas:
            for container in _all(schema, "EntityContainer"):
                self._container(container)
        self._join()

    @staticmethod
    def _computed(schema):
        """Paths TYPE/PROPERTY that V4 annotations say the server computes."""
        found = set()
        for block in _all(schema, "Annotations"):
            for note in _all(block, "Annotation"):
                if note.attrib.get("Term", "").endswith("Core.V1.Computed") and note.attrib.get("Bool", "true") == "true":
                    found.add(block.attrib["Target"].rpartition(".")[2])
        return found

    def _entity_type(self, node, computed):
        kind = EntityType(node.attrib["Name"])
        for key in _all(node, "Key"):
            kind.keys = [ref.attrib["Name"] for ref in _all(key, "PropertyRef")]
        for p in _all(node, "Property"):
            inner = any(n.attrib.get("Term", "").endswith("Core.V1.Computed") for n in _all(p, "Annotation"))
            kind.properties[p.attrib["Name"]] = Property(p, inner or f"{kind.name}/{p.attrib['Name']}" in computed)
        for nav in _all(node, "NavigationProperty"):
            kind.navigations[nav.attrib["Name"]] = self._navigation(nav)
        return kind

    def _navigation(self, node):
        a = node.attrib
        if "Type" in a:                         # V4
            inner = re.fullmatch(r"Collection\((.*)\)", a["Type"])
            return Navigation(a["Name"], (inner.group(1) if inner else a["Type"]).rpartition(".")[2], bool(inner))
        type_name, multiplicity = self._ends[a["Relationship"].rpartition(".")[2]][a["ToRole"]]
        return Navigation(a["Name"], type_name.rpartition(".")[2], multiplicity == "*")

    def _container(self, container):
        for node in _all(container, "EntitySet"):
            kind = self.types[node.attrib["EntityType"].rpartition(".")[2]]
            self.sets[node.attrib["Name"]] = EntitySet(node.attrib["Name"], kind, node)
            self._bindings[node.attrib["Name"]] = {b.attrib["Path"]: b.attrib["Target"]
                                                   for b in _all(node, "NavigationPropertyBinding")}
        for node in _all(container, "FunctionImport"):
            self.functions[node.attrib["Name"]] = Function(node)

    def _join(self):
        of_type = {}
        for entity_set in self.sets.values():
            of_type.setdefault(entity_set.kind.name, entity_set.name)
        for entity_set in self.sets.values():
            for nav in entity_set.kind.navigations.values():
                nav.target = self._bindings[entity_set.name].get(nav.name) or of_type.get(nav.type_name)
        for function in self.functions.values():
            function.set = function.set or of_type.get(function.returns)


__all__ = ["EntitySet", "EntityType", "Function", "Model", "Navigation", "Property"]

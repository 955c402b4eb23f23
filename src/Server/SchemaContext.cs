using System.Text.Json.Serialization;

namespace AsArm.Server;

/// <summary>Serialises without reflection.</summary>
[JsonSerializable(typeof(string))]
internal sealed partial class SchemaContext : JsonSerializerContext;

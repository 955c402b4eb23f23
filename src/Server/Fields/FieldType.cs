namespace AsArm.Server.Fields;

/// <summary>The JSON type of a field, for the description of the interface.</summary>
internal enum FieldType
{
    /// <summary>Any value, for fields without effect.</summary>
    Any,

    Text,

    Integer,

    Number,

    Flag,

    /// <summary>A string or an array of strings.</summary>
    Texts,

    /// <summary>A string, an array of strings, or tokens.</summary>
    Prompt,

    /// <summary>An array of objects.</summary>
    Objects,

    Object,
}

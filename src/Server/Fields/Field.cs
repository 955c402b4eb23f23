namespace AsArm.Server.Fields;

/// <summary>A field of a request.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type.</param>
/// <param name="Description">What it does, and its range.</param>
internal sealed record Field(string Name, FieldType Type, string Description)
{
    /// <summary>Fields that are accepted, whatever their values are, and change nothing.</summary>
    public static IEnumerable<Field> WithoutEffect(params string[] names) =>
        names.Select(name => new Field(name, FieldType.Any, "Accepted without effect."));
}

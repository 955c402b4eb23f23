namespace AsArm.Cli.Options;

/// <summary>What the lines of an input are.</summary>
internal enum LineFormat
{
    /// <summary>JSON objects.</summary>
    Json,

    /// <summary>Texts.</summary>
    Text,
}

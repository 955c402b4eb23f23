using System.Numerics;

namespace AsArm.Cli.Options;

/// <summary>The values that an option accepts, the same on the command line and in a line of JSON.</summary>
/// <param name="Text">In words: "X must be ...".</param>
/// <param name="Holds">Whether a value is one of them.</param>
internal sealed record NumberRange<T>(string Text, Func<T, bool> Holds)
    where T : struct, INumberBase<T>;

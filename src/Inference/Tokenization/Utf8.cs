namespace AsArm.Inference.Tokenization;

/// <summary>Helpers for well-formed UTF-8.</summary>
internal static class Utf8
{
    /// <summary>Number of bytes of a character, by its first byte.</summary>
    public static int CharacterLength(byte first) => first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

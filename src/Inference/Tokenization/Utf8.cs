namespace AsArm.Inference.Tokenization;

/// <summary>Well-formed UTF-8.</summary>
internal static class Utf8
{
    /// <summary>Bytes of the character that a byte begins.</summary>
    public static int CharacterLength(byte first) => first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

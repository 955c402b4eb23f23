using System.Text;

namespace AsArm.Inference.Tokenization;

/// <summary>
/// SentencePiece's normalisation: replacements of the character map, removal of extra white space, and U+2581 for a space. User-defined symbols are
/// not changed: they are matched before the map.
/// </summary>
internal sealed class SentencePieceNormalizer
{
    private const byte Space = (byte)' ';

    private readonly CharacterMap _map;
    private readonly ByteTrie _userDefined = new();
    private readonly bool[] _startsUserDefined = new bool[byte.MaxValue + 1];
    private readonly bool _addDummyPrefix;
    private readonly bool _removeExtraWhitespaces;

    public SentencePieceNormalizer(SentencePieceModel model)
    {
        _map = new CharacterMap(model.CharacterMap);
        _addDummyPrefix = model.AddDummyPrefix;
        _removeExtraWhitespaces = model.RemoveExtraWhitespaces;
        foreach (SentencePiece piece in model.Pieces.Where(piece => piece.Type == PieceType.UserDefined))
        {
            byte[] bytes = Encoding.UTF8.GetBytes(piece.Text);
            _userDefined.Add(bytes, 0);
            _startsUserDefined[bytes[0]] = true;
        }
    }

    /// <summary>U+2581 in UTF-8, SentencePiece's mark of a space.</summary>
    public static ReadOnlySpan<byte> SpaceMark => "\u2581"u8;

    /// <summary>Normalises a text.</summary>
    /// <param name="text">Well-formed UTF-8.</param>
    /// <param name="edges">How white space at its ends is encoded.</param>
    /// <returns>UTF-8.</returns>
    public ReadOnlySpan<byte> Normalize(ReadOnlySpan<byte> text, TextEdges edges)
    {
        bool keepsLeading = edges != TextEdges.Start || !_removeExtraWhitespaces;
        if (!keepsLeading)
            text = WithoutLeadingSpaces(text);
        if (text.IsEmpty)
            return default;

        var normalized = new ByteBuffer((2 * text.Length) + SpaceMark.Length);
        if (_addDummyPrefix && edges is TextEdges.Start or TextEdges.KeptStart)
            normalized.Append(SpaceMark);
        bool afterSpace = !keepsLeading;
        while (!text.IsEmpty)
        {
            ReadOnlySpan<byte> part = Next(text, out int consumed);
            if (afterSpace)
                part = part.TrimStart(Space);
            if (!part.IsEmpty)
            {
                Append(ref normalized, part);
                afterSpace = _removeExtraWhitespaces && part[^1] == Space;
            }

            text = text[consumed..];
        }

        ReadOnlySpan<byte> result = normalized.Written;
        bool keepsTrailing = edges is TextEdges.KeptStart or TextEdges.KeptContinuation || !_removeExtraWhitespaces;
        while (!keepsTrailing && result.EndsWith(SpaceMark))
            result = result[..^SpaceMark.Length];
        return result;
    }

    private static void Append(ref ByteBuffer normalized, ReadOnlySpan<byte> part)
    {
        foreach (byte value in part)
        {
            if (value == Space)
                normalized.Append(SpaceMark);
            else
                normalized.Append(value);
        }
    }

    private ReadOnlySpan<byte> WithoutLeadingSpaces(ReadOnlySpan<byte> text)
    {
        while (!text.IsEmpty)
        {
            ReadOnlySpan<byte> part = Next(text, out int consumed);
            if (part is not [Space])
                break;
            text = text[consumed..];
        }

        return text;
    }

    /// <summary>The normalised form of the start of a text, and the number of bytes that it replaces.</summary>
    private ReadOnlySpan<byte> Next(ReadOnlySpan<byte> text, out int consumed)
    {
        consumed = _startsUserDefined[text[0]] ? _userDefined.LongestPrefix(text) : 0;
        if (consumed > 0)
            return text[..consumed];
        consumed = _map.Replace(text, out ReadOnlySpan<byte> replacement);
        if (consumed > 0)
            return replacement;
        consumed = Utf8.CharacterLength(text[0]);
        return text[..consumed];
    }
}

using System.Globalization;
using System.Text;

namespace AsArm.Inference.Tokenization;

/// <summary>The normalisation of Hugging Face's fast XLNet tokenizers: quotes, accents, case, the model's character map, runs of spaces.</summary>
internal sealed class FastNormalizer(SentencePieceModel model, TextRules rules)
{
    private const int MaxClusterBytes = 5; // the library looks up longer clusters character by character

    private readonly CharacterMap? _map = rules.CharacterMap && model.CharacterMap.Length > 0 ? new CharacterMap(model.CharacterMap) : null;

    /// <summary>Normalises a text.</summary>
    public string Apply(string text)
    {
        text = text.Replace("``", "\"", StringComparison.Ordinal).Replace("''", "\"", StringComparison.Ordinal);
        if (!rules.KeepAccents)
            text = Decomposition.WithoutAnyMarks(text);
        if (rules.DoLowerCase)
            text = CaseMapping.LowerEach(text);
        if (_map is not null)
            text = Map(_map, text);
        return WithSingleSpaces(text);
    }

    /// <summary>
    /// Applies the character map. Unlike SentencePiece, the library looks up whole grapheme clusters, and replaces a cluster by the replacement of its
    /// shortest prefix.
    /// </summary>
    private static string Map(CharacterMap map, string text)
    {
        var mapped = new ByteBuffer((2 * text.Length) + 1);
        for (int at = 0, length; at < text.Length; at += length)
        {
            length = StringInfo.GetNextTextElementLength(text, at);
            byte[] cluster = Encoding.UTF8.GetBytes(text, at, length);
            if (cluster.Length <= MaxClusterBytes && map.Replace(cluster, out ReadOnlySpan<byte> whole, shortest: true) > 0)
            {
                mapped.Append(whole);
                continue;
            }

            for (int start = 0, size; start < cluster.Length; start += size)
            {
                size = Utf8.CharacterLength(cluster[start]);
                ReadOnlySpan<byte> character = cluster.AsSpan(start, size);
                mapped.Append(map.Replace(character, out ReadOnlySpan<byte> part, shortest: true) > 0 ? part : character);
            }
        }

        return Encoding.UTF8.GetString(mapped.Written);
    }

    private static string WithSingleSpaces(string text)
    {
        if (!text.Contains("  ", StringComparison.Ordinal))
            return text;
        var single = new StringBuilder(text.Length);
        foreach (char character in text)
        {
            if (character != ' ' || single.Length == 0 || single[^1] != ' ')
                single.Append(character);
        }

        return single.ToString();
    }
}

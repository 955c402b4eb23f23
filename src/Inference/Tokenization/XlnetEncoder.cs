using System.Globalization;

namespace AsArm.Inference;

/// <summary>Text to tokens as Hugging Face's XLNetTokenizer does it.</summary>
internal sealed class XlnetEncoder(SentencePieceEncoder encoder, TextRules rules)
{
    private const char Space = '\u2581';

    private static readonly string[] s_special = ["<s>", "</s>", "<unk>", "<sep>", "<pad>", "<cls>", "<mask>", "<eop>", "<eod>"];

    /// <summary>The tokens of a text, which is cut at the names of special tokens; each part between them starts a word.</summary>
    /// <inheritdoc cref="SentencePieceEncoder.Encode" />
    public void Encode(string text, TextEdges edges, List<int> tokens)
    {
        int from = 0;
        while (FindSpecial(text, from) is (int start, string special))
        {
            string before = text[from..start];
            EncodeSection(special == "<mask>" ? TrimEnd(before) : before, edges, tokens); // it takes the space before it
            tokens.Add(encoder.IdOf(special));
            (from, edges) = (start + special.Length, TextEdges.Start);
        }

        EncodeSection(text[from..], edges, tokens);
    }

    /// <summary>The tokens of a text in which special tokens have no names.</summary>
    /// <inheritdoc cref="SentencePieceEncoder.Encode" />
    public void EncodeSection(string text, TextEdges edges, List<int> tokens)
    {
        text = XlnetPreprocessing.Apply(text, rules, keepsLeadingSpace: edges == TextEdges.Continuation);
        foreach ((string piece, int id) in encoder.Pieces(text, edges))
        {
            if (rules.SplitDigitCommas && EndsInDigitAndComma(piece))
                SplitComma(piece, tokens);
            else
                tokens.Add(IdOf(piece, id));
        }
    }

    private static (int Start, string Special)? FindSpecial(string text, int from)
    {
        for (int at = text.IndexOf('<', from); at >= 0; at = text.IndexOf('<', at + 1))
        {
            string? special = Array.Find(s_special, name => string.CompareOrdinal(text, at, name, 0, name.Length) == 0);
            if (special is not null)
                return (at, special);
        }

        return null;
    }

    private static string TrimEnd(string text)
    {
        int length = text.Length;
        while (length > 0 && XlnetPreprocessing.IsSpace(text[length - 1]))
            length--;
        return text[..length];
    }

    private static bool EndsInDigitAndComma(string piece)
    {
        if (piece.Length < 2 || piece[^1] != ',')
            return false;
        int digit = char.IsLowSurrogate(piece[^2]) && piece.Length > 2 ? piece.Length - 3 : piece.Length - 2;
        return CharUnicodeInfo.GetDigitValue(piece, digit) >= 0;
    }

    /// <summary>
    /// A piece such as "10," becomes the pieces of "10" and a comma. Encoding "10" puts a space in front; where the piece had none, its
    /// mark is cut off, and what is left may be no piece any more.
    /// </summary>
    private void SplitComma(string piece, List<int> tokens)
    {
        string number = piece[..^1].Replace(Space.ToString(), "", StringComparison.Ordinal);
        List<(string Text, int Id)> pieces = encoder.Pieces(number, TextEdges.Start);
        for (int i = 0; i < pieces.Count; i++)
        {
            (string text, int id) = pieces[i];
            if (i > 0 || piece[0] == Space || text[0] != Space)
                tokens.Add(IdOf(text, id));
            else if (text.Length > 1)
                tokens.Add(encoder.IdOf(text[1..]));
        }

        tokens.Add(encoder.IdOf(","));
    }

    /// <summary>Hugging Face looks pieces up by name: unknown characters that together are the name of a special token become that.</summary>
    private int IdOf(string piece, int id) => id == encoder.UnknownId ? encoder.IdOf(piece) : id;
}

using System.Text;
using Microsoft.ML.Tokenizers;

namespace AsArm.Inference.Tokenization;

/// <summary>
/// A byte-level BPE of Microsoft.ML.Tokenizers: tokens are bytes of UTF-8, and the space before a word is the first byte of its token. Nothing is
/// normalised, and names of special tokens in a text are text.
/// </summary>
internal sealed class ByteLevelAdapter : TokenizerAdapter
{
    private static readonly char s_space = ByteAlphabet.CharacterOf((byte)' ');

    private readonly IReadOnlyList<string?> _pieces;

    /// <summary>Creates the tokenizer.</summary>
    public ByteLevelAdapter(ByteLevelVocabulary vocabulary)
    {
        _pieces = vocabulary.Pieces;
        Tokenizer = BpeTokenizer.Create(new BpeOptions(vocabulary.ByteTokens)
        {
            ByteLevel = true,
            Merges = vocabulary.Merges,
            PreTokenizer = new ByteLevelPreTokenizer(),
            Normalizer = new WellFormedNormalizer(),
        });
    }

    public override Tokenizer Tokenizer { get; }

    public override int Count => _pieces.Count;

    public override int? UnknownId => null;

    public override bool ImpliesSpaces => false;

    public override bool KeepsWhiteSpace => true;

    public override bool TrimsSpaces => false;

    public override string PieceOf(int token) => (uint)token < (uint)_pieces.Count ? _pieces[token] ?? "" : "";

    public override bool BeginsWithSpace(int token) => _pieces[token] is string piece && piece[0] == s_space;

    public override bool IsWhiteSpace(int token) => false;

    public override void Encode(string text, bool isStart, bool isFollowed, List<int> tokens)
    {
        // Before a word the last character of white space is apart, unless it is a space, which belongs to the word.
        int end = isFollowed && text.Length > 1 && char.IsWhiteSpace(text[^1]) ? text.Length - 1 : text.Length;
        tokens.AddRange(Tokenizer.EncodeToIds(text[..end]));
        tokens.AddRange(Tokenizer.EncodeToIds(text[end..]));
    }

    public override bool HasTokens(string text) => true;

    public override string Decode(ReadOnlySpan<int> tokens, bool isSpaceShown)
    {
        var bytes = new ByteBuffer((8 * tokens.Length) + 1);
        foreach (int token in tokens)
        {
            foreach (char character in PieceOf(token))
                bytes.Append((byte)ByteAlphabet.ByteOf(character));
        }

        ReadOnlySpan<byte> text = bytes.Written;
        return Encoding.UTF8.GetString(isSpaceShown && text is [(byte)' ', ..] ? text[1..] : text);
    }

    public override byte[] BytesAfterSpace(int token) =>
        [.. PieceOf(token).Skip(BeginsWithSpace(token) ? 1 : 0).Select(character => (byte)ByteAlphabet.ByteOf(character))];

    public override SpaceAtEnd SpaceAtEnd(string text, bool isAfterGap) =>
        text.EndsWith(' ') ? Tokenization.SpaceAtEnd.Carried : Tokenization.SpaceAtEnd.InTokens;

    public override bool EndsInWhiteSpaceToken(string text) => text.Length > 0 && char.IsWhiteSpace(text[^1]);
}

using Microsoft.ML.Tokenizers;

namespace AsArm.Inference.Tokenization;

/// <summary>
/// What a text with gaps needs of a tokenizer beyond Microsoft.ML.Tokenizers: tokens of a text that follows others, white space at the end of a
/// text, and which tokens begin with a space. There is one implementation for each kind of tokenizer.
/// </summary>
internal abstract class TokenizerAdapter
{
    /// <summary>The tokenizer behind Microsoft's abstraction, for whole texts.</summary>
    public abstract Tokenizer Tokenizer { get; }

    /// <summary>Number of ids that the tokenizer may have: the largest id plus one.</summary>
    public abstract int Count { get; }

    /// <summary>The token of characters that are not in the vocabulary; null if there are none.</summary>
    public abstract int? UnknownId { get; }

    /// <summary>Whether a space at the start of a text and after a white space token has no character: the tokenizer implies it.</summary>
    public abstract bool ImpliesSpaces { get; }

    /// <summary>Whether all white space of a text is encoded, not only whether there is some before a word.</summary>
    public abstract bool KeepsWhiteSpace { get; }

    /// <summary>Whether white space at the start of a text has no tokens, and a run of it is encoded as one space.</summary>
    public abstract bool TrimsSpaces { get; }

    /// <summary>A token as the vocabulary writes it; empty for an id without a token.</summary>
    public abstract string PieceOf(int token);

    /// <summary>Whether a token begins with a space, by the vocabulary's way to write one.</summary>
    public abstract bool BeginsWithSpace(int token);

    /// <summary>Whether a token is white space that a special token of the vocabulary stands for.</summary>
    public abstract bool IsWhiteSpace(int token);

    /// <summary>Appends the tokens of a text.</summary>
    /// <param name="text">A text; lone surrogates count as U+FFFD.</param>
    /// <param name="isStart">Whether it starts a sequence, or follows another token.</param>
    /// <param name="isFollowed">Whether another part of the text follows that does not begin with the space before a word.</param>
    /// <param name="tokens">The list to append to.</param>
    public abstract void Encode(string text, bool isStart, bool isFollowed, List<int> tokens);

    /// <summary>Whether all characters of a text have tokens of their own.</summary>
    public abstract bool HasTokens(string text);

    /// <summary>Decodes tokens.</summary>
    /// <param name="tokens">Tokens that are text.</param>
    /// <param name="isSpaceShown">Whether a space at the start is left out, as the text before has it or there is none.</param>
    public abstract string Decode(ReadOnlySpan<int> tokens, bool isSpaceShown);

    /// <summary>The text of a token in UTF-8, without the space that it begins with by <see cref="BeginsWithSpace" />. A token may have a part of a character only.</summary>
    /// <param name="token">A token that is text.</param>
    public abstract byte[] BytesAfterSpace(int token);

    /// <summary>Where the last white space of a given text is encoded if another part follows.</summary>
    public abstract SpaceAtEnd SpaceAtEnd(string text, bool isAfterGap);

    /// <summary>Whether the last character of a text is encoded in a white space token.</summary>
    public abstract bool EndsInWhiteSpaceToken(string text);

    /// <summary>Removes a space at the end of a text, which belongs to the next word; some tokenizers encode it there.</summary>
    public virtual int[] WithoutSpaceAtEnd(int[] tokens) => tokens;
}

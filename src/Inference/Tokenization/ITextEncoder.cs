namespace AsArm.Inference.Tokenization;

/// <summary>Encodes text with the settings of <see cref="TextRules" />.</summary>
internal interface ITextEncoder
{
    /// <summary>Appends the tokens of a text.</summary>
    /// <param name="text">A text; lone surrogates count as U+FFFD.</param>
    /// <param name="edges">How white space at its ends is encoded.</param>
    /// <param name="tokens">The list to append to.</param>
    /// <param name="unknownTexts">If it is not null, the normalised characters of each unknown token are appended to it.</param>
    void Encode(string text, TextEdges edges, List<int> tokens, List<string>? unknownTexts = null);
}

namespace AsArm.Inference.Tokenization;

/// <summary>Text to tokens under text rules.</summary>
internal interface ITextEncoder
{
    /// <summary>Appends the tokens of a text.</summary>
    /// <param name="text">A lone surrogate counts as U+FFFD.</param>
    /// <param name="edges">What becomes of its white space at both ends.</param>
    /// <param name="tokens">Where they are appended.</param>
    void Encode(string text, TextEdges edges, List<int> tokens);
}

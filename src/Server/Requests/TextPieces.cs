namespace AsArm.Server.Requests;

/// <summary>
/// Divides a text that grows from left to right into the pieces that can be sent: nothing that may be the beginning of a stop text, and never half a character.
/// Put together they are the text up to where <see cref="StopTexts.CutIn" /> cuts it, however it has grown.
/// </summary>
/// <param name="stop">The stop texts.</param>
internal sealed class TextPieces(StopTexts stop)
{
    private int _sent;

    /// <summary>Where the text is cut; null as long as no stop text was found.</summary>
    public int? Cut { get; private set; }

    /// <summary>What follows the pieces before; empty if nothing can be sent yet.</summary>
    /// <param name="text">The text so far.</param>
    /// <param name="isFinal">Whether it is complete.</param>
    public string Next(string text, bool isFinal)
    {
        Cut = stop.CutIn(text);
        int end = Cut ?? Math.Max(_sent, text.Length - (isFinal ? 0 : Math.Max(0, stop.Longest - 1)));
        if (end > 0 && char.IsHighSurrogate(text[end - 1]))
            end--;
        string piece = text[Math.Min(_sent, end)..end];
        _sent = Math.Max(_sent, end);
        return piece;
    }
}

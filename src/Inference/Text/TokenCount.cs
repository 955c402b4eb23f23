namespace AsArm.Inference.Text;

/// <summary>How many tokens a text with its gaps has, and how many the model takes.</summary>
/// <param name="Given">Tokens of the given text, or of the given text and the marked spans.</param>
/// <param name="Gaps">Unknown tokens.</param>
/// <param name="Separator">1 where the separator is put before a text that begins with a gap or a marked span, else 0.</param>
/// <param name="Maximum">The most tokens that the model takes at once.</param>
public sealed record TokenCount(long Given, long Gaps, int Separator, int Maximum)
{
    /// <summary>All tokens; what is compared with <see cref="Maximum" />.</summary>
    public long Total => Given + Gaps + Separator;

    /// <summary>Whether the model takes the text at once.</summary>
    public bool Fits => Total <= Maximum;
}

namespace AsArm.Inference.Gaps;

/// <summary>Ways to find the length of a gap of unknown length.</summary>
public enum LengthMethod
{
    /// <summary>By what the length makes of the text after the gap: for every model.</summary>
    Evidence,

    /// <summary>
    /// By open gaps: the gap has a position more than the largest length, and its text ends with a token for the end. One distribution of text and length
    /// together, for models that were trained with open gaps (gap_end_id in asarm.json). Gaps with choices or conditions have their length by evidence still.
    /// </summary>
    OpenGaps,
}

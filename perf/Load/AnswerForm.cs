namespace AsArm.Perf.Load;

/// <summary>How an endpoint answers.</summary>
internal enum AnswerForm
{
    /// <summary>A JSON object.</summary>
    Whole,

    /// <summary>Events with pieces of texts, the last one [DONE].</summary>
    CompletionEvents,

    /// <summary>Events with pieces of a text, the last one with the counts.</summary>
    LlamaEvents,

    /// <summary>A line for each forward pass, the last one with the result.</summary>
    Updates,

    /// <summary>A line for each text.</summary>
    Lines,
}

namespace AsArm.Inference;

/// <summary>Makes jobs of requests, or refuses them; a text that comes several times in a row is tokenised once.</summary>
/// <param name="encode">Parses and tokenises a text.</param>
/// <param name="setting">The infiller's.</param>
/// <param name="inBatch">Whether the jobs are to share their calls.</param>
internal sealed class TicketMaker(Func<string, InfillOptions, WindowedText> encode, InfillSetting setting, bool inBatch)
{
    private (string Text, GapSpacing Spacing, bool Window)? _last;
    private WindowedText? _encoded;
    private InfillTextException? _error;

    /// <summary>A job, or a refusal.</summary>
    /// <exception cref="ArgumentNullException">No request at all.</exception>
    public InfillTicket Make(InfillRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        try
        {
            ArgumentNullException.ThrowIfNull(request.Options);
            return new InfillTicket(request, new InfillJob(Encode(request.Text, request.Options), request.Options, setting, inBatch), null);
        }
        catch (Exception error) when (error is InfillTextException or ArgumentException)
        {
            return new InfillTicket(request, null, error);
        }
    }

    private WindowedText Encode(string text, InfillOptions options)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (_last != (text, options.GapSpacing, options.Window))
        {
            (_last, _encoded, _error) = ((text, options.GapSpacing, options.Window), null, null);
            try
            {
                _encoded = encode(text, options);
            }
            catch (InfillTextException error)
            {
                _error = error;
            }
        }

        return _encoded?.Copy() ?? throw _error!;
    }
}
